//! What the compiler says about functions that cannot be methods.

#[test]
fn handlers() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}
