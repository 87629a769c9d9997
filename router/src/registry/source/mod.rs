//! Where routes come from.
//!
//! In: the bus ([`nats`]) and a watched file ([`mod@file`]). Out: [`RegistryMessage`](bus::RegistryMessage)s
//! for the [`Registry`](super::Registry), which does not know where they are from. A further source
//! needs no more than that. A source decides nothing about routes; it delivers.

pub mod file;
pub mod nats;
