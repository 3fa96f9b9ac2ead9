//! tinyrpc-transports
