//! How a peer's text is shown in logs and errors.

/// One line, not long: a peer may send anything.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(MOST_SHOWN).flat_map(char::escape_debug).collect()
}

/// Characters that are shown: enough to see a typing error in a name.
const MOST_SHOWN: usize = 64;
