//! Nothing but the protocol comes out of standard output; what is printed goes to standard error,
//! and from there to that of whoever started the program.

use crate::{
    block_on,
    child::{command, connect},
};

const PRINTED: [&str; 4] = [
    "printed by a macro\n",
    "printed without an end",
    "printed by a handle\n",
    "printed by a program\n",
];

#[test]
fn a_handler_that_prints_does_not_break_the_protocol() {
    for protocol in ["jsonrpc", "msgpack"] {
        block_on(async {
            let client = connect("serve", protocol).await;
            for _ in 0..3 {
                // It reads the end of standard input at once, and nothing of ours.
                let lines: usize = client.call("chatter", ("noise",)).await.expect("an answer");
                assert_eq!(lines, 0);
                assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("a sum"), 5);
            }
            client.close().await;
        });
    }
}

#[test]
fn standard_error_is_passed_through() {
    let output = command("parent").output().expect("a shell");
    let (said, complained) = (output.stdout, String::from_utf8_lossy(&output.stderr).into_owned());
    assert!(output.status.success(), "{complained}");
    assert!(said.is_empty(), "{:?}", String::from_utf8_lossy(&said));
    for part in PRINTED {
        assert!(complained.contains(part), "{part:?} is not in {complained:?}");
    }
}
