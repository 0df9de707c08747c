//! Attacks on tokens by their names in RFC 8725 (JSON Web Token Best Current Practices) and RFC 9700 (OAuth 2.0 Security Best
//! Current Practice), at every door that takes a token.

mod assertions;
mod doors;
mod forged_tokens;
mod mixed_up_tokens;
mod other_realms;
mod pushed_actions;
