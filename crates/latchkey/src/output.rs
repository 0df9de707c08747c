//! What a command prints for people: standard output, while logs go to standard error.

/// Prints to standard output.
#[expect(clippy::print_stdout, reason = "the output of a command")]
pub(crate) fn say(text: &str) {
    print!("{text}");
}
