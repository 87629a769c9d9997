//! Passwords: hashed with argon2id, a few at a time.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::api::{ApiError, Code, PasswordCost};

/// Hashes and checks passwords. Each hash takes memory, so few run at once and the others wait.
#[derive(Debug)]
pub(in crate::api) struct Passwords {
    cost: PasswordCost,
    turns: Semaphore,
}

impl Passwords {
    pub(in crate::api) const fn new(cost: PasswordCost) -> Self {
        Self {
            cost,
            turns: Semaphore::const_new(AT_ONCE),
        }
    }

    /// The hash under which a password is kept.
    pub(in crate::api) async fn hash(&self, password: &str) -> Result<String, ApiError> {
        let (cost, password) = (self.cost, password.to_owned());
        let work = move || {
            let hash = hasher(cost)?.hash_password(password.as_bytes()).ok()?;
            Some(hash.to_string())
        };
        self.in_turn(work).await?.ok_or_else(fault)
    }

    /// Whether this is the password of this hash. Without a hash the same work is done, so that the
    /// time of the answer does not tell who is known.
    pub(super) async fn check(&self, password: &str, hash: Option<&str>) -> Result<bool, ApiError> {
        let (cost, password) = (self.cost, password.to_owned());
        let hash = hash.map(str::to_owned);
        let work = move || match hash {
            Some(hash) => PasswordHash::new(&hash).is_ok_and(|hash| {
                Argon2::default()
                    .verify_password(password.as_bytes(), &hash)
                    .is_ok()
            }),
            None => {
                let spent = hasher(cost).map(|hasher| hasher.hash_password(password.as_bytes()));
                // Its outcome counts for nothing; without this the work could be left out.
                std::hint::black_box(&spent);
                false
            }
        };
        self.in_turn(work).await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let _turn = self.turns.acquire().await.map_err(|_| fault())?;
        tokio::task::spawn_blocking(work).await.map_err(|_| fault())
    }
}

/// What is refused before it is hashed.
pub(super) fn problem_of(password: &str) -> Option<&'static str> {
    if password.is_empty() {
        return Some("Password must be at least 1 characters in length.");
    }
    (password.len() > MAX_BYTES)
        .then_some("Password must be no more than 255 characters in length.")
}

fn hasher(cost: PasswordCost) -> Option<Argon2<'static>> {
    let params = match cost {
        PasswordCost::Least => Params::new(Params::MIN_M_COST, 1, 1, None).ok()?,
        PasswordCost::Usual => Params::default(),
    };
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn fault() -> ApiError {
    ApiError::new(Code::ServerError, "The password could not be hashed")
}

const AT_ONCE: usize = 2;
const MAX_BYTES: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_same_password_counts() {
        let passwords = Passwords::new(PasswordCost::Least);
        let hash = passwords.hash("secret").await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(passwords.check("secret", Some(&hash)).await.unwrap());
        assert!(!passwords.check("Secret", Some(&hash)).await.unwrap());
        assert!(!passwords.check("secret", Some("garbled")).await.unwrap());
        assert!(!passwords.check("secret", None).await.unwrap());
    }
}
