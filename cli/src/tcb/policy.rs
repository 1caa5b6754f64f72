//! A platform policy from any of the forms in which operators keep one.

use std::fs;
use std::path::Path;

use shroud_attestation::{PlatformPolicy, ReferenceValues};

use super::PlanError;

/// Reads a reference-values file, whose operators must have signed it, or a policy alone in JSON or TOML.
pub(crate) fn read(path: &Path) -> Result<PlatformPolicy, PlanError> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| PlanError::File(name.clone(), error))?;
    let unfit = |error: String| PlanError::Policy(name, error);
    if text.contains("\n\n\u{2014} ") {
        let values = ReferenceValues::parse(text.as_bytes()).map_err(|error| unfit(error.to_string()))?;
        return Ok(values.platform().clone());
    }
    if text.trim_start().starts_with('{') {
        return PlatformPolicy::parse(text.as_bytes()).map_err(|error| unfit(error.to_string()));
    }
    toml::from_str(&text).map_err(|error| unfit(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_read_from_toml_and_json() {
        let folder = std::env::temp_dir().join(format!("shroud-policy-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for (name, text, read_as) in [
            ("a.toml", "vmpl = [1]", Some(vec![1])),
            ("b.json", r#"{"vmpl":[2]}"#, Some(vec![2])),
            ("c.toml", "vmpl = 'x'", None),
            ("d", "text\n\n\u{2014} one AAAAAAAA\n", None),
        ] {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            assert_eq!(read(&path).ok().map(|policy| policy.vmpl), read_as, "{name}");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
