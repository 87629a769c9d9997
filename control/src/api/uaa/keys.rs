//! The keys that sign access tokens: RSA, kept in the store, made at the first start.

use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::Claims;
use crate::api::{StartError, now, state};
use crate::model::Micros;
use crate::store::{SigningKey, Store, StoreError};

/// All keys that count; the oldest signs.
#[derive(Debug)]
pub(in crate::api) struct Keys(RwLock<Arc<[Key]>>);

#[derive(Debug)]
struct Key {
    kid: String,
    pair: KeyPair,
    public: PublicKeyComponents<Vec<u8>>,
}

impl Keys {
    /// Reads the keys, and makes one when there is none.
    pub(in crate::api) async fn load(store: &Store) -> Result<Self, StartError> {
        let mut tx = store.begin().await?;
        let mut stored = tx.signing_keys().await?;
        if stored.is_empty() {
            let key = tokio::task::spawn_blocking(new_key)
                .await
                .ok()
                .flatten()
                .ok_or(StartError::Key)?;
            tx.insert_signing_key(&key, now()).await?;
            stored.push(key);
        }
        tx.commit().await?;
        let keys: Option<Vec<Key>> = stored.iter().map(parse).collect();
        let keys = keys.ok_or(StartError::Key)?;
        Ok(Self(RwLock::new(keys.into())))
    }

    /// Reads the keys again.
    pub(super) async fn reload(&self, store: &Store) -> Result<(), StoreError> {
        let stored = store.signing_keys().await?;
        if stored.len() != self.all().len() {
            let keys: Vec<Key> = stored.iter().filter_map(parse).collect();
            *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys.into();
        }
        Ok(())
    }

    /// Signs claims; `None` when there is no key, or when it does not sign.
    pub(super) fn sign(&self, claims: &Claims) -> Option<String> {
        let keys = self.all();
        let key = keys.first()?;
        let head = json!({"alg": ALGORITHM, "typ": "JWT", "kid": key.kid});
        let message = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(head.to_string()),
            URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims).ok()?)
        );
        let mut signature = vec![0; key.pair.public_modulus_len()];
        let random = SystemRandom::new();
        key.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &random,
                message.as_bytes(),
                &mut signature,
            )
            .ok()?;
        Some(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The claims of a token that one of the keys has signed and that has not ended.
    pub(super) fn verify(&self, token: &str, now: Micros) -> Option<Claims> {
        let (message, signature) = token.rsplit_once('.')?;
        let (head, payload) = message.split_once('.')?;
        let head: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(head).ok()?).ok()?;
        // invariant: only this algorithm counts, whatever the token says of itself.
        if head.get("alg")?.as_str()? != ALGORITHM {
            return None;
        }
        let kid = head.get("kid")?.as_str()?;
        let keys = self.all();
        let key = keys.iter().find(|key| key.kid == kid)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        key.public
            .verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &signature)
            .ok()?;
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        (claims.exp > now.seconds()).then_some(claims)
    }

    /// What others need to check our tokens.
    pub(super) fn public(&self) -> Vec<Value> {
        self.all().iter().map(Key::document).collect()
    }

    fn all(&self) -> Arc<[Key]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Key {
    fn document(&self) -> Value {
        json!({
            "kty": "RSA",
            "alg": ALGORITHM,
            "use": "sig",
            "kid": self.kid,
            "n": URL_SAFE_NO_PAD.encode(&self.public.n),
            "e": URL_SAFE_NO_PAD.encode(&self.public.e),
            "value": self.pem().unwrap_or_default(),
        })
    }

    fn pem(&self) -> Option<String> {
        let der = self.pair.public_key().as_der().ok()?;
        let text = STANDARD.encode(der.as_ref());
        let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
        for line in text.as_bytes().chunks(64) {
            pem.push_str(&String::from_utf8_lossy(line));
            pem.push('\n');
        }
        pem.push_str("-----END PUBLIC KEY-----\n");
        Some(pem)
    }
}

fn new_key() -> Option<SigningKey> {
    let pair = KeyPair::generate(KeySize::Rsa2048).ok()?;
    let der = pair.as_der().ok()?;
    Some(SigningKey {
        kid: state::guid(),
        private_key: STANDARD.encode(der.as_ref()),
    })
}

fn parse(stored: &SigningKey) -> Option<Key> {
    let der = STANDARD.decode(&stored.private_key).ok()?;
    let pair = KeyPair::from_pkcs8(&der).ok()?;
    let public = PublicKeyComponents::from(pair.public_key());
    Some(Key {
        kid: stored.kid.clone(),
        pair,
        public,
    })
}

const ALGORITHM: &str = "RS256";

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        let key = parse(&new_key().unwrap()).unwrap();
        Keys(RwLock::new(vec![key].into()))
    }

    fn claims(exp: i64) -> Claims {
        serde_json::from_value(json!({
            "jti": "j", "sub": "u", "user_id": "u", "client_id": "cf", "cid": "cf", "azp": "cf",
            "grant_type": "password", "scope": [], "aud": [], "iss": "", "zid": "uaa", "iat": 0, "exp": exp,
        }))
        .unwrap()
    }

    #[test]
    fn a_token_counts_until_its_end() {
        let keys = keys();
        let token = keys.sign(&claims(10)).unwrap();
        assert!(keys.verify(&token, Micros::from_seconds(9)).is_some());
        assert!(keys.verify(&token, Micros::from_seconds(10)).is_none());
    }

    #[test]
    fn a_token_of_others_or_changed_does_not_count() {
        let (ours, others) = (keys(), keys());
        let now = Micros::from_seconds(0);
        assert!(
            ours.verify(&others.sign(&claims(10)).unwrap(), now)
                .is_none()
        );
        let token = ours.sign(&claims(10)).unwrap();
        let mut parts: Vec<&str> = token.split('.').collect();
        let forged = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims(99)).unwrap());
        parts[1] = &forged;
        assert!(ours.verify(&parts.join("."), now).is_none());
        for garbage in ["", "a.b", "a.b.c", "..", "e30.e30."] {
            assert!(ours.verify(garbage, now).is_none(), "{garbage}");
        }
    }

    #[test]
    fn a_token_without_a_signature_does_not_count() {
        let keys = keys();
        let kid = keys.all()[0].kid.clone();
        let head = URL_SAFE_NO_PAD.encode(json!({"alg": "none", "kid": kid}).to_string());
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims(10)).unwrap());
        let token = format!("{head}.{payload}.");
        assert!(keys.verify(&token, Micros::from_seconds(0)).is_none());
    }
}
