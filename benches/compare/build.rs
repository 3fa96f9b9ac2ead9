//! Compiles the schema of the peer `capnp`, where it is asked for.

fn main() {
    println!("cargo::rerun-if-changed=schema/values.capnp");
    #[cfg(feature = "capnp")]
    capnpc::CompilerCommand::new()
        .src_prefix("schema")
        .file("schema/values.capnp")
        .default_parent_module(vec!["peers".into(), "capnp".into()])
        .run()
        .expect("the feature `capnp` needs Cap'n Proto's compiler and its standard schemas");
}
