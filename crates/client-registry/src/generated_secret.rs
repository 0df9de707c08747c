//! The form of the secrets that we generate: `lk`, 78 random letters and digits, and 6 that check what stands before them.
//!
//! In all 86 characters, as Keycloak's have. The check is the first four bytes of the SHA-256 of the 80 characters before, as a
//! number in base 62 (digits, capital letters, small letters; most significant first). So a scanner that searches repositories
//! or logs for secrets can tell one of ours from any other text, without asking a server.
//!
//! Authentication does not look at the form: a secret that an administrator chose or imported may begin with the same letters.

use aws_lc_rs::digest::{SHA256, digest};
use latchkey_platform::random;
use zeroize::Zeroizing;

const PREFIX: &str = "lk";
const RANDOM: usize = 78;
const CHECK: usize = 6;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A new secret.
pub(crate) fn generate() -> Zeroizing<String> {
    let random = Zeroizing::new(random::alphanumeric(RANDOM));
    let mut secret = Zeroizing::new(String::with_capacity(PREFIX.len() + RANDOM + CHECK));
    secret.push_str(PREFIX);
    secret.push_str(&random);
    let check = check(&secret);
    secret.push_str(&check);
    secret
}

fn check(text: &str) -> String {
    let digest = digest(&SHA256, text.as_bytes());
    let mut number =
        digest.as_ref()[..4].iter().fold(0_usize, |number, byte| (number << 8) | usize::from(*byte));
    let mut digits = [b'0'; CHECK];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[number % DIGITS.len()];
        number /= DIGITS.len();
    }
    digits.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_secret_is_86_letters_and_digits_and_checks_itself() {
        let secret = generate();
        assert_eq!(secret.len(), 86);
        assert!(secret.starts_with(PREFIX) && secret.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let (text, digits) = secret.split_at(80);
        assert_eq!(check(text), digits);
        assert_ne!(*secret, *generate());
    }

    #[test]
    fn the_check_is_as_documented() {
        // SHA-256 of the empty text begins e3b0c442, which is 3820012610.
        assert_eq!(check(""), "4AWNmc");
    }
}
