//! A CGI program: a web server starts it for each request.
//!
//! To see it under a web server of Python:
//!
//! ```sh
//! cargo build --example cgi --features http
//! mkdir -p site/cgi-bin && cp target/debug/examples/cgi site/cgi-bin/calc
//! python3.11 -m http.server --cgi --bind 127.0.0.1 --directory site 8000 &
//! curl -H 'Content-Type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"add","params":[2,3]}' \
//!     http://127.0.0.1:8000/cgi-bin/calc
//! ```

use std::{env, io};

use tinyrpc::{Dispatcher, Server};

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let calc = Dispatcher::new().method("add", |a: i64, b: i64| a + b);
    let service = Server::new(calc).start().http_service();
    service.cgi(env::vars_os(), io::stdin().lock(), io::stdout().lock()).await
}
