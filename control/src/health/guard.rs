//! Whether a request of another health reconciler is followed.

use crate::wire::{HealthStart, HealthStop};

use super::process::DesiredProcess;

/// Why a request is not followed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// As many instances of the live version run as are desired.
    #[error("enough instances run")]
    Enough,
    /// The index is not desired.
    #[error("the index is not desired")]
    Index,
    /// Nothing would serve any more.
    #[error("too few instances would be left")]
    LastOnes,
    /// There is not exactly one index.
    #[error("the request does not name exactly one index")]
    OneIndex,
    /// The process is stopped, or has nothing to run.
    #[error("the process is not to run")]
    Stopped,
    /// There is no such process.
    #[error("there is no such process")]
    Unknown,
    /// The version is not the live one.
    #[error("the version is not the live one")]
    Version,
}

/// What a stop request may stop.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StopScope {
    /// These instances.
    Instances(Vec<String>),
    /// Everything of the process, because there is no such process.
    Whole,
}

/// Checks a `health.start` against what is desired.
///
/// # Errors
///
/// Fails when the start is not, or not any more, what is wanted.
pub fn check_start(
    request: &HealthStart,
    desired: Option<&DesiredProcess>,
) -> Result<u32, Refused> {
    let desired = desired.ok_or(Refused::Unknown)?;
    let &[index] = request.indices.as_slice() else {
        return Err(Refused::OneIndex);
    };
    if desired.instances == 0 {
        return Err(Refused::Stopped);
    }
    if request.version != desired.version {
        return Err(Refused::Version);
    }
    if index >= desired.instances {
        return Err(Refused::Index);
    }
    let running = request.running.get(&desired.version).copied().unwrap_or(0);
    if running >= desired.instances {
        return Err(Refused::Enough);
    }
    Ok(index)
}

/// Checks a `health.stop` against what is desired.
///
/// # Errors
///
/// Fails when the stop would leave too little.
pub fn check_stop(
    request: &HealthStop,
    desired: Option<&DesiredProcess>,
) -> Result<StopScope, Refused> {
    let Some(desired) = desired else {
        return Ok(StopScope::Whole);
    };
    let all = request.instances.keys().cloned().collect();
    if desired.instances == 0 {
        return Ok(StopScope::Instances(all));
    }
    let running = request.running.get(&desired.version).copied().unwrap_or(0);
    let of_live = request
        .instances
        .values()
        .filter(|version| **version == desired.version);
    let of_live = u32::try_from(of_live.count()).unwrap_or(u32::MAX);
    let of_old = request.instances.len() > of_live as usize;
    if of_old && running == 0 {
        return Err(Refused::LastOnes);
    }
    if of_live > 0 && running.saturating_sub(of_live) < desired.instances {
        return Err(Refused::LastOnes);
    }
    Ok(StopScope::Instances(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desired(instances: u32) -> DesiredProcess {
        DesiredProcess {
            process: "p".into(),
            version: "v2".into(),
            instances,
        }
    }

    fn start(version: &str, indices: &[u32], running: u32) -> HealthStart {
        HealthStart {
            process: "p".into(),
            version: version.into(),
            indices: indices.into(),
            running: [("v2".to_owned(), running)].into(),
            ..HealthStart::default()
        }
    }

    fn stop(instances: &[(&str, &str)], running: u32) -> HealthStop {
        let pair = |&(instance, version): &(&str, &str)| (instance.into(), version.into());
        HealthStop {
            process: "p".into(),
            instances: instances.iter().map(pair).collect(),
            running: [("v2".to_owned(), running)].into(),
            ..HealthStop::default()
        }
    }

    #[test]
    fn a_start_is_followed_only_when_all_of_it_is_wanted() {
        let two = desired(2);
        assert_eq!(check_start(&start("v2", &[1], 1), Some(&two)), Ok(1));
        for (request, desired, refused) in [
            (start("v2", &[1], 1), None, Refused::Unknown),
            (start("v2", &[1], 1), Some(desired(0)), Refused::Stopped),
            (start("v1", &[1], 1), Some(desired(2)), Refused::Version),
            (start("v2", &[2], 1), Some(desired(2)), Refused::Index),
            (start("v2", &[1], 2), Some(desired(2)), Refused::Enough),
            (start("v2", &[], 1), Some(desired(2)), Refused::OneIndex),
            (start("v2", &[0, 1], 1), Some(desired(2)), Refused::OneIndex),
        ] {
            assert_eq!(check_start(&request, desired.as_ref()), Err(refused));
        }
    }

    #[test]
    fn a_stop_never_leaves_too_little() {
        let two = desired(2);
        let some = |guid: &str| Ok(StopScope::Instances(vec![guid.to_owned()]));
        assert_eq!(check_stop(&stop(&[("a", "v1")], 1), Some(&two)), some("a"));
        assert_eq!(
            check_stop(&stop(&[("a", "v1")], 0), Some(&two)),
            Err(Refused::LastOnes)
        );
        assert_eq!(check_stop(&stop(&[("a", "v2")], 3), Some(&two)), some("a"));
        assert_eq!(
            check_stop(&stop(&[("a", "v2")], 2), Some(&two)),
            Err(Refused::LastOnes)
        );
        assert_eq!(
            check_stop(&stop(&[("a", "v2")], 1), Some(&desired(0))),
            some("a")
        );
        assert_eq!(
            check_stop(&stop(&[("a", "v2")], 1), None),
            Ok(StopScope::Whole)
        );
    }
}
