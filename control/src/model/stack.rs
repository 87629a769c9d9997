//! Stacks: what an operator still lets applications be staged for.

use super::words::words;

words! {
    /// How far a stack is on its way out.
    StackState {
        /// Everything may be staged for it.
        Active = "ACTIVE",
        /// Everything may, with a warning.
        Deprecated = "DEPRECATED",
        /// Nothing may.
        Disabled = "DISABLED",
        /// Only applications that were staged before may.
        Restricted = "RESTRICTED",
    }
}

impl StackState {
    /// Why an application is not staged for the stack of this name, when it is not.
    #[must_use]
    pub fn refusal(self, name: &str, reason: Option<&str>, staged_before: bool) -> Option<String> {
        let for_what = match self {
            Self::Active | Self::Deprecated => return None,
            Self::Restricted if staged_before => return None,
            Self::Restricted => "RESTRICTED and cannot be used for staging new applications",
            Self::Disabled => "DISABLED and can no longer be used for staging",
        };
        Some(because(
            &format!("The stack '{name}' is {for_what}"),
            reason,
        ))
    }

    /// What those are told whose application is staged for the stack of this name, if anything.
    #[must_use]
    pub fn warning(self, name: &str, reason: Option<&str>) -> Option<String> {
        (self == Self::Deprecated).then(|| {
            let words =
                format!("The stack '{name}' is DEPRECATED and will be removed in the future");
            because(&words, reason)
        })
    }
}

fn because(words: &str, reason: Option<&str>) -> String {
    match reason.filter(|reason| !reason.is_empty()) {
        Some(reason) => format!("{words}: {reason}"),
        None => format!("{words}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restricted_stack_keeps_those_it_has_and_a_disabled_one_nobody() {
        let refused = |state: StackState, before| state.refusal("old", None, before).is_some();
        assert!(!refused(StackState::Active, false) && !refused(StackState::Deprecated, false));
        assert!(refused(StackState::Restricted, false) && !refused(StackState::Restricted, true));
        assert!(refused(StackState::Disabled, false) && refused(StackState::Disabled, true));
    }

    #[test]
    fn the_operators_reason_is_told() {
        let warned = StackState::Deprecated.warning("old", Some("use new"));
        let words = "The stack 'old' is DEPRECATED and will be removed in the future: use new";
        assert_eq!(warned.as_deref(), Some(words));
        assert_eq!(StackState::Active.warning("old", None), None);
    }
}
