//! What a body says about a new deployment.

use serde_json::Value;

use crate::api::Fields;
use crate::model::{ProcessChange, Strategy};

/// What a body asks for.
pub(super) struct Wanted {
    pub(super) droplet: Option<String>,
    pub(super) strategy: Strategy,
    pub(super) options: WantedOptions,
}

#[derive(Default)]
pub(super) struct WantedOptions {
    pub(super) max_in_flight: Option<u32>,
    pub(super) canary_steps: Option<Vec<u32>>,
    pub(super) change: ProcessChange,
}

pub(super) fn read(fields: &mut Fields<'_>) -> Wanted {
    let droplet = fields.nested("droplet", |droplet| droplet.required_text("guid"));
    let strategy = fields.text("strategy");
    let strategy = match strategy.as_deref() {
        None => Strategy::Rolling,
        Some(word) => Strategy::parse(word).unwrap_or_else(|| {
            fields.problem(format!(
                "Strategy '{word}' is not a supported deployment strategy"
            ));
            Strategy::Rolling
        }),
    };
    let options = fields.nested("options", read_options).unwrap_or_default();
    if strategy != Strategy::Canary && options.canary_steps.is_some() {
        fields.problem("Options.canary are only valid for Canary deployments");
    }
    Wanted {
        droplet,
        strategy,
        options,
    }
}

fn read_options(options: &mut Fields<'_>) -> WantedOptions {
    let mut number = |name| {
        let number = options.integer(name, 1..=i64::from(i32::MAX));
        number.and_then(|number| u32::try_from(number).ok())
    };
    let max_in_flight = number("max_in_flight");
    let change = ProcessChange {
        instances: number("web_instances").or_else(|| number("instances")),
        memory_mb: number("memory_in_mb"),
        disk_mb: number("disk_in_mb"),
        ..ProcessChange::default()
    };
    let rate = options.integer("log_rate_limit_in_bytes_per_second", -1..=i64::MAX);
    WantedOptions {
        max_in_flight,
        canary_steps: options.nested("canary", read_steps),
        change: ProcessChange {
            log_rate_limit: rate,
            ..change
        },
    }
}

fn read_steps(canary: &mut Fields<'_>) -> Vec<u32> {
    let steps = match canary.value("steps") {
        None | Some(Value::Null) => return Vec::new(),
        Some(steps) => steps.as_array().filter(|steps| steps.len() <= MOST_STEPS),
    };
    let weight = |step: &Value| {
        let step = step.as_object().filter(|step| step.len() == 1)?;
        let weight = step.get("instance_weight")?.as_u64()?;
        u32::try_from(weight)
            .ok()
            .filter(|weight| (1..=100).contains(weight))
    };
    let weights: Option<Vec<u32>> = steps.and_then(|steps| steps.iter().map(weight).collect());
    let Some(weights) = weights else {
        canary.problem_of(
            "steps",
            "must be an array of objects with an instance_weight between 1-100 (inclusive)",
        );
        return Vec::new();
    };
    if !weights.is_sorted() {
        canary.problem_of("steps", "must be sorted in ascending order");
    }
    weights
}

const MOST_STEPS: usize = 100;
