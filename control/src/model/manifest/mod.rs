//! Manifests: what `cf push` wants an application to look like.
//!
//! In comes YAML text as a client sends it; out go applications whose every key is known to be
//! well formed, or all problems in the words that clients show. It knows neither what exists
//! already nor how to change it; `diff` compares two documents, `render` writes one.

mod app;
mod diff;
mod fields;
mod parse;
mod process;
mod render;
mod size;
mod yaml;

pub use app::{AppManifest, RouteManifest, ServiceManifest, SidecarManifest, UNKNOWN_LIFECYCLE};
pub use diff::diff;
pub use parse::{BadManifest, Manifest};
pub use process::{CheckManifest, ProcessManifest};
pub use render::{Described, render};
pub use yaml::to_yaml;
