//! tinyrpc-dispatch
