" Counts down through calls of the client's `dig`, which calls this one.
function! Dig(n) abort
  return a:n == 0 ? 0 : 1 + rpcrequest(g:client, 'dig', a:n - 1)
endfunction
