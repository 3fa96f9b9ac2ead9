//! tinyrpc-protocols
