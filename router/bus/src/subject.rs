//! The subjects of the route control plane (gorouter 1.1), spelt here and nowhere else.

/// An endpoint announces itself.
pub const REGISTER: &str = "router.register";

/// An endpoint takes itself back.
pub const UNREGISTER: &str = "router.unregister";

/// An announcer asks who is there; answered with the start message.
pub const GREET: &str = "router.greet";

/// A router has started, or has missed something: announcers send all their routes.
pub const START: &str = "router.start";

/// What a router subscribes to for routes; one wildcard, so that the two subjects keep their order.
pub const ROUTES: &str = "router.*";

/// Application ids that were asked for lately, as compressed JSON.
pub const ACTIVE_APPS: &str = "router.active_apps";
