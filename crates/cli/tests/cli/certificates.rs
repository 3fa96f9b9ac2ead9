//! README, "TLS": who is believed, who is let in, and what is said otherwise.

use crate::support::{
    command::{Ran, Serving, finish, run, tinyrpc},
    files::Files,
};

/// Runs the command with options that name files.
async fn call(files: &Files, url: &str, options: &[&str]) -> Ran {
    let options = files.filled(options);
    let mut args = vec!["call", url, "add", "40", "2"];
    args.extend(options.iter().map(String::as_str));
    run(&args).await
}

/// Serves the demo with a certificate, over every transport that has TLS.
async fn serving(files: &Files, options: &[&str]) -> Serving {
    let options = files.filled(options);
    let mut args = vec!["--bind", "tls://127.0.0.1:0", "--bind", "https://127.0.0.1:0", "--bind"];
    args.push("wss://127.0.0.1:0");
    args.extend(options.iter().map(String::as_str));
    Serving::with(&args, 3).await
}

#[track_caller]
fn refused(ran: &Ran, why: &str, hint: &str) {
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""), "{}", ran.stderr);
    let hint = format!("\n  hint: {hint}");
    assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains(why), "{}", ran.stderr);
    assert!(ran.stderr.contains(&hint), "{}", ran.stderr);
}

#[tokio::test]
async fn whom_a_client_believes() {
    let files = Files::certificates();
    let server = serving(&files, &["--cert", "{localhost}", "--key", "{localhost.key}"]).await;
    let hint = "--ca FILE trusts the authority that signed it";
    for url in &server.urls {
        for protocol in ["", "msgpack+"] {
            let url = format!("{protocol}{url}");
            assert_eq!(call(&files, &url, &["--ca", "{ca}"]).await, Ran::answered("42"), "{url}");
        }
        for options in [&[][..], &["--ca", "{foreign}"]] {
            refused(&call(&files, url, options).await, "signed by nobody who is trusted", hint);
        }
        let ca = files.path("ca");
        let ran = run(&["notify", "--ca", &ca, url, "add", "40", "2"]).await;
        assert_eq!((ran.code, &*ran.stderr), (Some(0), ""), "{url}");
    }
    for (name, why, hint) in [
        ("client", "the certificate is not for 127.0.0.1", "call the server by a name"),
        ("expired", "the certificate of 127.0.0.1 has expired", "the server needs a new"),
        ("future", "is not valid yet", "is the clock of this machine right?"),
    ] {
        let (cert, key) = (format!("{{{name}}}"), format!("{{{name}.key}}"));
        let server = serving(&files, &["--cert", &cert, "--key", &key]).await;
        for url in &server.urls {
            refused(&call(&files, url, &["--ca", "{ca}"]).await, why, hint);
        }
    }
}

#[tokio::test]
async fn whom_a_server_lets_in() {
    let files = Files::certificates();
    let options = ["--cert", "{localhost}", "--key", "{localhost.key}", "--ca", "{ca}"];
    let server = serving(&files, &options).await;
    for url in &server.urls {
        let own = ["--ca", "{ca}", "--cert", "{client}", "--key", "{client.key}"];
        assert_eq!(call(&files, url, &own).await, Ran::answered("42"), "{url}");
        let without = call(&files, url, &["--ca", "{ca}"]).await;
        refused(&without, "CertificateRequired", "the server lets nobody in without");
        let other = ["--ca", "{ca}", "--cert", "{stranger}", "--key", "{stranger.key}"];
        refused(&call(&files, url, &other).await, "alert", "is --cert FILE signed by");
    }
}

/// A machine that trusts nobody, such as a container without the package.
#[tokio::test]
async fn nobody_is_trusted() {
    let files = Files::certificates();
    files.write("none", "");
    let server = serving(&files, &["--cert", "{localhost}", "--key", "{localhost.key}"]).await;
    for url in &server.urls {
        let args = ["call", url, "add", "1", "2"];
        let mut command = tinyrpc(&args);
        command.env("SSL_CERT_FILE", files.path("none")).env_remove("SSL_CERT_DIR");
        let ran = finish(command.spawn().expect("it starts"), &args).await;
        assert_eq!((ran.code, &*ran.stdout), (Some(2), ""), "{}", ran.stderr);
        let begin = format!("error: {url}: the system trusts no authority: ");
        assert!(ran.stderr.starts_with(&begin), "{}", ran.stderr);
        assert!(ran.stderr.ends_with("\n  hint: --ca FILE names one\n"), "{}", ran.stderr);
    }
}

/// A port for everything speaks TLS, too, where it has a certificate.
#[tokio::test]
async fn a_port_for_everything() {
    let files = Files::certificates();
    let options = files.filled(&["--cert", "{localhost}", "--key", "{localhost.key}"]);
    let mut args = vec!["--bind", "tcp://127.0.0.1:0"];
    args.extend(options.iter().map(String::as_str));
    let server = Serving::with(&args, 1).await;
    let address = server.urls[0].trim_start_matches("tcp");
    for scheme in ["tls", "https", "wss"] {
        let ran = call(&files, &format!("{scheme}{address}"), &["--ca", "{ca}"]).await;
        assert_eq!(ran, Ran::answered("42"), "{scheme}");
    }
    assert_eq!(run(&["call", &server.urls[0], "add", "40", "2"]).await, Ran::answered("42"));
}

#[tokio::test]
async fn files_of_a_client() {
    let files = Files::certificates();
    files.write("text", "s3cr3t");
    files.write("empty", "");
    files.write("broken", "-----BEGIN CERTIFICATE-----\n!s3cr3t\n-----END CERTIFICATE-----\n");
    files.write("locked", "-----BEGIN ENCRYPTED PRIVATE KEY-----\ns3cr3t\n");
    let cases: &[(&[&str], &str, &str)] = &[
        (&["--ca", "{absent}"], "absent cannot be read: No such file", "a PEM file with a cert"),
        (&["--ca", "{}"], "cannot be read: Is a directory", "a PEM file with a certificate"),
        (&["--ca", "{text}"], "text: expected a PEM file with a certificate, found no PEM", "DER"),
        (&["--ca", "{empty}"], "empty: expected a PEM file with a certificate, found no", "DER"),
        (&["--ca", "{client.key}"], "client.key: expected a PEM file with a certificate", "--key"),
        (&["--ca", "{broken}"], "broken: ", "certificates of authorities"),
        (
            &["--cert", "{client.key}", "--key", "{client.key}"],
            "client.key: expected a PEM file with a certificate, found `PRIVATE KEY`",
            "--key has the private key",
        ),
        (
            &["--cert", "{client}", "--key", "{client}"],
            "client: expected a PEM file with a private key, found `CERTIFICATE`",
            "--key has the private key",
        ),
        (
            &["--cert", "{client}", "--key", "{locked}"],
            "locked: expected a PEM file with a private key, found `ENCRYPTED PRIVATE KEY`",
            "takes the passphrase away",
        ),
        (
            &["--cert", "{client}", "--key", "{stranger.key}"],
            "the client's certificate and the key do not belong together",
            "--key FILE is the private key",
        ),
        (&["--cert", "{client}"], "the following required arguments were not provided", ""),
        (&["--key", "{client.key}"], "the following required arguments were not provided", ""),
    ];
    for (options, why, hint) in cases {
        for url in ["tls://127.0.0.1:1", "https://127.0.0.1:1", "wss://127.0.0.1:1"] {
            let ran = call(&files, url, options).await;
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{}", ran.stderr);
            assert!(ran.stderr.contains(why) && ran.stderr.contains(hint), "{}", ran.stderr);
            assert!(!ran.stderr.contains("s3cr3t"), "{}", ran.stderr);
        }
    }
    for url in ["tcp://127.0.0.1:1", "http://127.0.0.1:1", "unix:///a.sock", "exec:true"] {
        let ran = call(&files, url, &["--ca", "{ca}"]).await;
        let scheme = url.split(':').next().expect("a scheme");
        let error = format!(
            "error: `{scheme}` has no certificates\n  hint: only URLs of tls, https and wss have them"
        );
        assert_eq!(ran, Ran::failed(2, &error));
    }
}

#[tokio::test]
async fn files_of_a_server() {
    let files = Files::certificates();
    let cases: &[(&str, &[&str], &str)] = &[
        (
            "tls://127.0.0.1:0",
            &[],
            "error: tls://127.0.0.1:0: a server over TLS needs a certificate and its key\n  \
             hint: --cert FILE and --key FILE give them\n",
        ),
        (
            "unix:///a.sock",
            &["--cert", "{localhost}", "--key", "{localhost.key}"],
            "error: there is a certificate, and no address is served over TLS\n  hint: ",
        ),
        (
            "tcp://127.0.0.1:0",
            &["--cert", "{localhost}", "--key", "{localhost.key}", "--ca", "{ca}"],
            "error: --ca wants certificates of clients, and tcp://127.0.0.1:0 lets them in without\n",
        ),
        (
            "tls://127.0.0.1:0",
            &["--ca", "{ca}"],
            "error: tls://127.0.0.1:0: a server over TLS needs a certificate and its key\n",
        ),
    ];
    for (bind, options, begin) in cases {
        let options = files.filled(options);
        let mut args = vec!["serve", "--bind", bind, "demo"];
        args.extend(options.iter().map(String::as_str));
        let ran = run(&args).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{}", ran.stderr);
        assert!(ran.stderr.starts_with(begin), "{}", ran.stderr);
    }
    let pair = |cert: &str, key: &str| {
        ["--cert", cert, "--key", key].map(|option| files.filled(&[option]).concat())
    };
    for (options, why) in [
        (pair("{absent}", "{localhost.key}"), "absent cannot be read: No such file"),
        (pair("{localhost}", "{absent}"), "absent cannot be read: No such file"),
        (pair("{localhost}", "{client.key}"), "the server's certificate and the key do not belong"),
    ] {
        let mut args = vec!["serve", "--bind", "tls://127.0.0.1:0", "demo"];
        args.extend(options.iter().map(String::as_str));
        let ran = run(&args).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{}", ran.stderr);
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
    }
}
