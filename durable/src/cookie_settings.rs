//! How a room's cookies are made: which sites may bring them along, and to which hosts they go. Part of [`crate::settings`].

use crate::fields::Fields;
use crate::json;
use crate::json::Value;
use crate::route_pattern::{RoutePattern, is_host};

/// `cookie_attributes`: two are Cloudflare's, `domain` and `partitioned` ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CookieSettings {
    /// Which sites may bring them along.
    pub samesite: SameSite,
    /// They go to all hosts below this one; empty: to the host that set them.
    pub domain: Box<str>,
    /// They are kept for each site that a page is framed in, for browsers that let no others into frames (CHIPS).
    pub partitioned: bool,
}

/// As in Cloudflare's schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SameSite {
    /// `None` on https, so that a bank's return finds its pass; `Lax` on plain http.
    #[default]
    Auto,
    /// `Lax`.
    Lax,
    /// `None`; needs https.
    None,
    /// `Strict`.
    Strict,
}

impl SameSite {
    const ALL: [(SameSite, &str); 4] = [
        (SameSite::Auto, "auto"),
        (SameSite::Lax, "lax"),
        (SameSite::None, "none"),
        (SameSite::Strict, "strict"),
    ];
}

impl CookieSettings {
    /// Reads the object `cookie_attributes` of a room with these routes; its faults are named `cookie_attributes.…`.
    pub(crate) fn read<'r>(
        fields: &mut Fields<'_>,
        mut routes: impl Iterator<Item = &'r RoutePattern>,
    ) -> CookieSettings {
        let Some(attributes) = fields.object("cookie_attributes") else {
            return CookieSettings::default();
        };
        let mut inner = Fields::within(attributes, "cookie_attributes");
        let name = inner.text_or("samesite", "auto", 10);
        let samesite = SameSite::ALL.into_iter().find(|(_, known)| *known == name);
        if samesite.is_none() {
            inner.fault("samesite", "must be `auto`, `lax`, `none` or `strict`");
        }
        let domain = inner.text("domain", 253).to_ascii_lowercase();
        let covers = |host: &str| {
            host.strip_suffix(&*domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let has_a_site = is_host(&domain) && domain.contains('.');
        let mut fits = || has_a_site && routes.all(|route| covers(&route.host));
        if !domain.is_empty() && !fits() {
            inner.fault(
                "domain",
                "must be a name such as `example.com` to which all hosts of the room belong",
            );
        }
        inner.neutral("secure", &json!("auto"), "cookies are `Secure` on https and cannot be on http");
        let partitioned = inner.flag("partitioned", false);
        fields.take_faults(inner);
        CookieSettings { samesite: samesite.unwrap_or_default().0, domain: domain.into(), partitioned }
    }

    /// The canonical JSON. What is ours is said where it is used: code that knows nothing of it would refuse the room.
    pub(crate) fn to_json(&self) -> Value {
        let name = SameSite::ALL.into_iter().find(|(samesite, _)| *samesite == self.samesite);
        let mut json = json!({ "samesite": name.map_or("auto", |(_, name)| name), "secure": "auto" });
        if !self.domain.is_empty() {
            json.set("domain", json!(&*self.domain));
        }
        if self.partitioned {
            json.set("partitioned", json!(true));
        }
        json
    }
}
