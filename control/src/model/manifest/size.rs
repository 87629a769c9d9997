//! Sizes in a manifest: a number and a unit, as in `512M`.

/// Reads a size in bytes; the unit is mandatory. Nothing when it is no size.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let factor: u64 = match unit.to_ascii_uppercase().as_str() {
        "B" => 1,
        "K" | "KB" => 1 << 10,
        "M" | "MB" => 1 << 20,
        "G" | "GB" => 1 << 30,
        "T" | "TB" => 1 << 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// Reads a size in whole MB; nothing when it is no size or more than can be kept.
pub(super) fn megabytes(text: &str) -> Option<u32> {
    u32::try_from(bytes(text)? >> 20).ok()
}

/// What a size must look like, as clients are told.
pub(super) const UNITS: &str = "must use a supported unit: B, K, KB, M, MB, G, GB, T, or TB";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_may_be_in_either_case_and_end_in_b() {
        for text in ["1024M", "1024MB", "1024mb", "1g", "1GB", "1Gb"] {
            assert_eq!(megabytes(text), Some(1024), "{text}");
        }
        assert_eq!(bytes("16K"), Some(16_384));
    }

    #[test]
    fn a_number_alone_is_no_size() {
        for text in [
            "",
            "512",
            "M",
            "-1M",
            "1.5G",
            "5X",
            "5 M",
            "99999999999999999999G",
            "99999999T",
        ] {
            assert_eq!(megabytes(text), None, "{text}");
        }
    }
}
