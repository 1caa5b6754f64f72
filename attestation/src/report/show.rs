//! Every field of a report as JSON, for people and for tools. One way only: nothing reads this back.

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::{Cpuid, FirmwareVersion, Report};

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("version", &self.version)?;
        map.serialize_entry("guest_svn", &self.guest_svn)?;
        map.serialize_entry("policy", &format!("{:#x}", self.policy.0))?;
        map.serialize_entry("family_id", &hex::encode(self.family_id))?;
        map.serialize_entry("image_id", &hex::encode(self.image_id))?;
        map.serialize_entry("vmpl", &self.vmpl)?;
        map.serialize_entry("sig_algo", &self.signature_algorithm)?;
        map.serialize_entry("current_tcb", &hex::encode(self.current_tcb.0))?;
        map.serialize_entry("platform_info", &format!("{:#x}", self.platform_info.0))?;
        map.serialize_entry("key_info", &format!("{:#x}", self.key_info.0))?;
        map.serialize_entry("report_data", &hex::encode(self.report_data))?;
        map.serialize_entry("measurement", &hex::encode(self.measurement))?;
        map.serialize_entry("host_data", &hex::encode(self.host_data))?;
        map.serialize_entry("id_key_digest", &hex::encode(self.id_key_digest))?;
        map.serialize_entry("author_key_digest", &hex::encode(self.author_key_digest))?;
        map.serialize_entry("report_id", &hex::encode(self.report_id))?;
        map.serialize_entry("report_id_ma", &hex::encode(self.report_id_ma))?;
        map.serialize_entry("reported_tcb", &hex::encode(self.reported_tcb.0))?;
        map.serialize_entry("chip_id", &hex::encode(self.chip_id))?;
        map.serialize_entry("committed_tcb", &hex::encode(self.committed_tcb.0))?;
        map.serialize_entry("current_version", &self.current_version)?;
        map.serialize_entry("committed_version", &self.committed_version)?;
        map.serialize_entry("launch_tcb", &hex::encode(self.launch_tcb.0))?;
        self.later_fields(&mut map)?;
        self.decoded(&mut map)?;
        map.end()
    }
}

impl Report {
    /// What only newer versions carry.
    fn later_fields<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        if let Some(cpuid) = &self.cpuid {
            map.serialize_entry("cpuid", cpuid)?;
        }
        if let Some(mitigations) = self.mitigations {
            map.serialize_entry("launch_mit_vector", &format!("{:#x}", mitigations.launch))?;
            map.serialize_entry("current_mit_vector", &format!("{:#x}", mitigations.current))?;
        }
        Ok(())
    }

    /// Single bits under names.
    fn decoded<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let (policy, platform) = (self.policy, self.platform_info);
        map.serialize_entry("signing_key", self.key_info.signing_key().name())?;
        for (name, set) in [
            ("author_key_en", self.key_info.author_key_enabled()),
            ("mask_chip_key", self.key_info.mask_chip_key()),
            ("smt_allowed", policy.smt_allowed()),
            ("migration_agent_allowed", policy.migration_agent_allowed()),
            ("debug_allowed", policy.debug_allowed()),
            ("single_socket", policy.single_socket()),
            ("cxl_allowed", policy.cxl_allowed()),
            ("aes_256_xts_required", policy.aes_256_xts()),
            ("rapl_off_required", policy.rapl_disabled()),
            ("ciphertext_hiding_required", policy.ciphertext_hiding()),
            ("page_swap_disabled", policy.page_swap_disabled()),
            ("smt_enabled", platform.smt_enabled()),
            ("tsme_enabled", platform.tsme_enabled()),
            ("ecc_enabled", platform.ecc_enabled()),
            ("rapl_disabled", platform.rapl_disabled()),
            ("ciphertext_hiding_enabled", platform.ciphertext_hiding()),
            ("alias_check_complete", platform.alias_check_complete()),
        ] {
            map.serialize_entry(name, &set)?;
        }
        Ok(())
    }
}

impl Serialize for FirmwareVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}.{}.{}", self.major, self.minor, self.build))
    }
}

impl Serialize for Cpuid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("family", &self.family)?;
        map.serialize_entry("model", &self.model)?;
        map.serialize_entry("stepping", &self.stepping)?;
        map.end()
    }
}
