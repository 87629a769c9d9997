//! The keys that sign access tokens: RSA, kept in the store, made at the first start.

use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use pem::{EncodeConfig, LineEnding, Pem};
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
    signs: EncodingKey,
    verifies: DecodingKey,
    /// What others need to check our tokens.
    document: Value,
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
        let mut head = Header::new(ALGORITHM);
        head.kid = Some(key.kid.clone());
        jsonwebtoken::encode(&head, claims, &key.signs).ok()
    }

    /// The claims of a token that one of the keys has signed and that has not ended.
    pub(super) fn verify(&self, token: &str, now: Micros) -> Option<Claims> {
        let kid = jsonwebtoken::decode_header(token).ok()?.kid?;
        let keys = self.all();
        let key = keys.iter().find(|key| key.kid == kid)?;
        // invariant: only this algorithm counts, whatever the token says of itself.
        let mut rules = Validation::new(ALGORITHM);
        // The end is judged below, by the caller's clock; whom a token is for, by its scopes.
        rules.validate_exp = false;
        rules.validate_aud = false;
        let token = jsonwebtoken::decode::<Claims>(token, &key.verifies, &rules).ok()?;
        (token.claims.exp > now.seconds()).then_some(token.claims)
    }

    /// What others need to check our tokens.
    pub(super) fn public(&self) -> Vec<Value> {
        self.all().iter().map(|key| key.document.clone()).collect()
    }

    fn all(&self) -> Arc<[Key]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
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
    let public = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let public_der = pair.public_key().as_der().ok()?;
    let private = pem::encode(&Pem::new("PRIVATE KEY", der));
    Some(Key {
        signs: EncodingKey::from_rsa_pem(private.as_bytes()).ok()?,
        verifies: DecodingKey::from_rsa_raw_components(&public.n, &public.e),
        document: json!({
            "kty": "RSA",
            "alg": "RS256",
            "use": "sig",
            "kid": stored.kid,
            "n": URL_SAFE_NO_PAD.encode(&public.n),
            "e": URL_SAFE_NO_PAD.encode(&public.e),
            "value": pem::encode_config(
                &Pem::new("PUBLIC KEY", public_der.as_ref()),
                EncodeConfig::new().set_line_ending(LineEnding::LF),
            ),
        }),
        kid: stored.kid.clone(),
    })
}

const ALGORITHM: Algorithm = Algorithm::RS256;

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
