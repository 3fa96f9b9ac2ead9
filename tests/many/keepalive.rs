//! Peers that are gone without a word.
