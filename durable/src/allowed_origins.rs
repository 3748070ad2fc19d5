//! Which origins' scripts may read our answers, as operators name them. Part of [`crate::settings`].

use crate::fields::Fields;
use crate::route_pattern::is_host;

/// Reads the list; what is no origin is a fault.
pub(crate) fn allowed_origins(fields: &mut Fields<'_>) -> Vec<String> {
    let mut origins = Vec::new();
    for value in fields.list("allowed_origins", 64) {
        let origin = value.as_str().unwrap_or_default().to_ascii_lowercase();
        if is_origin(&origin) {
            origins.push(origin);
        } else {
            fields.fault("allowed_origins", ORIGIN_RULE);
        }
    }
    origins
}

const ORIGIN_RULE: &str = "must be origins as browsers say them, such as `https://app.example.com`: no path, \
     and a port only if it is not the usual one";

fn is_origin(origin: &str) -> bool {
    let schemes = [("https://", "443"), ("http://", "80")];
    let known = schemes.iter().find_map(|(scheme, usual)| Some((origin.strip_prefix(scheme)?, *usual)));
    let Some((host, usual)) = known else { return false };
    match host.split_once(':') {
        Some((host, port)) => {
            let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            is_host(host) && is_number && port != usual
        }
        None => is_host(host),
    }
}
