//! Every form of an ARG, and what is refused.

use super::*;

/// The params of a command line, or what it is told.
fn params(args: &[&str], text: bool) -> Result<String, String> {
    let args = args.iter().map(|arg| String::from(*arg)).collect();
    let request = Request { method: Some("m".into()), args, text, params: None, typed: false };
    match Params::new(&request) {
        Ok(params) => Ok(params.0.map_or_else(String::new, |value| value.get().into())),
        Err(failure) => Err(failure.to_string()),
    }
}

#[test]
fn forms() {
    let cases: &[(&[&str], &str)] = &[
        (&[], ""),
        (&["1", "2.50", "-3", "1e999"], "[1,2.50,-3,1e999]"),
        (
            &["true", "null", "nul", "NaN", "01", "+1", ""],
            r#"[true,null,"nul","NaN","01","+1",""]"#,
        ),
        (&["hello world", "ü\n\"\\"], r#"["hello world","ü\n\"\\"]"#),
        (&[r#" { "a" : [ 1 ] } "#], r#"[{"a":[1]}]"#),
        (&["[1", "{a:1}"], r#"["[1","{a:1}"]"#),
        (&["\"a=1\"", "\"@x\""], r#"["a=1","@x"]"#),
        (&["name=Ada", "age:=36", "tags:=[ 1 ]"], r#"{"name":"Ada","age":36,"tags":[1]}"#),
        (&["a=", "b==", "c=x=y", "d=@f", "e=1"], r#"{"a":"","b":"=","c":"x=y","d":"@f","e":"1"}"#),
        (&["_a-1=x", "ä=y", "a:=\"x\""], r#"{"_a-1":"x","ä":"y","a":"x"}"#),
        (
            &["http://host/?a=b", "1a=b", "=x", ":=1", "a b=c", "a.b=c", "a[]=1", "a:b=1"],
            r#"["http://host/?a=b","1a=b","=x",":=1","a b=c","a.b=c","a[]=1","a:b=1"]"#,
        ),
    ];
    for (args, json) in cases {
        assert_eq!(params(args, false).as_deref(), Ok(*json), "{args:?}");
    }
    let args = ["1", "-", "@x", "a=b", "a:=b", "[1]", ""];
    let texts = r#"["1","-","@x","a=b","a:=b","[1]",""]"#;
    assert_eq!(params(&args, true).as_deref(), Ok(texts));
    assert_eq!(params(&[], true).as_deref(), Ok(""));
}

#[test]
fn refusals() {
    let cases: &[(&[&str], &str)] = &[
        (
            &["3", "a=1"],
            "error: `3` is positional and `a=1` is named: a call has one kind\n  \
             hint: name all of them, as in a=TEXT or a:=JSON; if `a=1` is text, quote it as JSON, \
             as in '\"a=1\"', or use --text",
        ),
        (&["a=1", "a:=2"], "error: the param `a` is given twice"),
        (
            &["a:=x"],
            "error: `a:=x`: \"x\" is no JSON: expected value at line 1 column 1\n  \
             hint: a=x gives it as text",
        ),
        (
            &["-", "1"],
            "error: `-` is all params, and it is not the only ARG\n  hint: give it alone; if `-` is \
             text, quote it as JSON, as in '\"-\"', or use --text",
        ),
    ];
    for (args, error) in cases {
        assert_eq!(params(args, false).as_ref().map_err(String::as_str), Err(*error), "{args:?}");
    }
    let error = params(&["@/no/such/file"], false).expect_err("there is no such file");
    assert!(error.starts_with("error: /no/such/file cannot be read: "), "{error}");
}

#[test]
fn whole_params() {
    for (text, json) in [("[ ]", "[]"), (" { \"a\": 1.0 }\n", "{\"a\":1.0}")] {
        assert_eq!(whole(text.as_bytes(), "--params").ok().as_deref(), Some(json));
    }
    for text in ["", "1", "null", "\"x\"", "[1", "[1] [2]"] {
        let error = whole(text.as_bytes(), "--params").expect_err(text).to_string();
        assert!(error.starts_with("error: --params: "), "{error}");
        assert!(error.ends_with("array (positional) or object (named)"), "{error}");
    }
}
