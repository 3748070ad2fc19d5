//! Origins, as browsers say them, in a room's settings: whose scripts may read our answers, and where the board's mirror is. Part of [`crate::settings`].

use crate::fields::Fields;
use crate::pieces::cut;
use crate::route_pattern::{RoutePattern, is_host};

/// As long as a scheme, a host and a port may be.
const ORIGIN_BYTES_MAX: usize = 270;

/// Reads `allowed_origins`.
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

/// Reads `board_mirror` of a room with these routes.
pub(crate) fn board_mirror<'r>(
    fields: &mut Fields<'_>,
    mut routes: impl Iterator<Item = &'r RoutePattern>,
) -> Box<str> {
    let origin = fields.text("board_mirror", ORIGIN_BYTES_MAX).to_ascii_lowercase();
    let (scheme, rest) = cut(&origin, "://").unwrap_or_default();
    let host = rest.split(':').next().unwrap_or_default();
    // Rooms are developed there.
    let is_local = host == "localhost" || host.ends_with(".localhost");
    if origin.is_empty() {
        return origin.into();
    }
    if !(is_origin(&origin) && (scheme == "https" || is_local)) {
        fields.fault("board_mirror", MIRROR_RULE);
    } else if routes.any(|route| route.host == host) {
        fields.fault(
            "board_mirror",
            "is a host of the room: the bucket needs one of its own, which no room covers",
        );
    }
    origin.into()
}

const MIRROR_RULE: &str = "must be the origin of the bucket's own domain, such as `https://line.example.com`: https, no path and no slash at the \
     end, a port only if it is not the usual one; leave it out, or \"\", where there is no mirror";

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

#[cfg(test)]
mod tests {
    use crate::json;
    use crate::settings::Settings;

    /// What is read of a room's `board_mirror`, or the fault.
    fn read(mirror: &str) -> Result<String, String> {
        let room = json!({
            "name": "sale", "host": "shop.example.com", "additional_routes": [{ "host": "b.localhost" }],
            "total_active_users": 1, "new_users_per_minute": 1, "board_mirror": mirror,
        });
        let read = Settings::parse(&room).map(|settings| settings.board_mirror.into_string());
        read.map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_mirror_is_an_origin_on_https_apart_from_the_room() {
        for good in
            ["", "https://line.example.com", "https://line.example.com:8443", "http://line.localhost:8080"]
        {
            assert_eq!(read(good).as_deref(), Ok(good));
        }
        assert_eq!(read("https://Line.Example.com").as_deref(), Ok("https://line.example.com"));
        for bad in [
            "line.example.com",
            "http://line.example.com",
            "https://line.example.com/",
            "https://line.example.com/boards",
            "https://line.example.com:443",
            "https://line.example.com; script-src *",
            "https://line.example.com https://evil.example",
            "https://ada@line.example.com",
            "https://*.example.com",
            "https://",
            "javascript:alert(1)",
        ] {
            assert!(
                read(bad).is_err_and(|fault| fault.starts_with("`board_mirror`: must be the origin")),
                "{bad}"
            );
        }
        for own in ["https://shop.example.com", "https://shop.example.com:8443", "http://b.localhost:1"] {
            assert!(read(own).is_err_and(|fault| fault.contains("is a host of the room")), "{own}");
        }
    }
}
