//! tinyrpc
