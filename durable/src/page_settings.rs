//! What the waiting page shows of a room's owner: words, a logo, two colours. Part of [`crate::settings`].
//!
//! Everything here goes into a page that strangers see, so everything is bounded, and nothing can be
//! fetched from elsewhere or run.

use crate::codec::from_hex;
use crate::fields::Fields;
use crate::json;
use crate::json::Value;

/// An inline logo: it travels with every waiting page.
const LOGO_BYTES_MAX: usize = 8 * 1024;

/// What the waiting page shows of the room's owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageSettings {
    /// The heading; empty: the room's host.
    pub title: String,
    /// A few words of the operator to the people who wait.
    pub message: String,
    /// A `data:` URL, or empty.
    pub logo: String,
    /// `#rrggbb`, or empty.
    pub color_background: String,
    /// `#rrggbb`, or empty.
    pub color_accent: String,
    /// Where *home* leads, or empty.
    pub home_url: String,
}

impl PageSettings {
    /// Reads the object `page`; its faults are named `page.…`.
    pub(crate) fn read(fields: &mut Fields<'_>) -> PageSettings {
        let Some(object) = fields.object("page") else {
            return PageSettings::default();
        };
        let mut inner = Fields::within(object, "page");
        let page = PageSettings {
            title: inner.text("title", 120),
            message: inner.text("message", 1_000),
            logo: logo(&mut inner),
            color_background: color(&mut inner, "color_background"),
            color_accent: color(&mut inner, "color_accent"),
            home_url: home_url(&mut inner),
        };
        fields.take_faults(inner);
        page
    }

    /// The canonical JSON.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "title": self.title,
            "message": self.message,
            "logo": self.logo,
            "color_background": self.color_background,
            "color_accent": self.color_accent,
            "home_url": self.home_url,
        })
    }
}

fn logo(fields: &mut Fields<'_>) -> String {
    let logo = fields.text("logo", LOGO_BYTES_MAX);
    let kinds = ["png", "svg+xml", "webp", "jpeg"];
    let data = kinds.iter().find_map(|kind| logo.strip_prefix(&format!("data:image/{kind};base64,")));
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    if !logo.is_empty() && !data.is_some_and(|data| data.bytes().all(base64)) {
        fields.fault("logo", "must be `data:image/png;base64,…` (or svg+xml, webp, jpeg), at most 8 KiB");
    }
    logo
}

fn home_url(fields: &mut Fields<'_>) -> String {
    let url = fields.text("home_url", 1_024);
    let leads_home = url.starts_with("https://") || (url.starts_with('/') && !url.starts_with("//"));
    if !url.is_empty() && (!leads_home || url.contains(['\\', '"', '<', '>', ' '])) {
        fields.fault("home_url", "must begin with `https://`, or with one `/` for a path of the same host");
    }
    url
}

/// A colour. Any will do: on every one either black or white can be read (the product of both contrasts is 21), and where
/// it would not stand out from the page, the page leaves it out. Both are decided with [`contrast_with_white`].
fn color(fields: &mut Fields<'_>, field: &str) -> String {
    let color = fields.text(field, 7).to_ascii_lowercase();
    if !color.is_empty() && rgb(&color).is_none() {
        fields.fault(field, "must be a colour such as `#0b6e4f`");
    }
    color
}

fn rgb(color: &str) -> Option<[f64; 3]> {
    from_hex::<3>(color.strip_prefix('#')?).map(|channels| channels.map(|byte| f64::from(byte) / 255.0))
}

/// The contrast of a colour with white, between 1 and 21: the formula of WCAG 2.2, *contrast ratio* and
/// *relative luminance*. At 4.5 or more white text can be read on it, otherwise black text can. `None` for
/// what is no colour.
pub fn contrast_with_white(color: &str) -> Option<f64> {
    let linear = |channel: f64| {
        if channel <= 0.04045 { channel / 12.92 } else { power_of_2_4((channel + 0.055) / 1.055) }
    };
    let [red, green, blue] = rgb(color)?.map(linear);
    let luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    Some(1.05 / (luminance + 0.05))
}

/// A number between 0.01 and 1 to the power of 2.4, which is its square times the fifth root of its square: that root by Newton's way. (`powf`, which
/// can do every other power too, takes a kilobyte more in the Wasm.)
fn power_of_2_4(number: f64) -> f64 {
    let square = number * number;
    let mut root = number.sqrt();
    for _ in 0..8 {
        let fourth = root * root * root * root;
        root -= (root * fourth - square) / (5.0 * fourth);
    }
    square * root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_power_is_right_for_every_channel() {
        for byte in 11..=255u8 {
            let number = (f64::from(byte) / 255.0 + 0.055) / 1.055;
            assert!((power_of_2_4(number) - number.powf(2.4)).abs() < 1e-15, "{byte}");
        }
    }

    #[test]
    fn contrast_is_that_of_the_standard() {
        assert!((contrast_with_white("#000000").unwrap() - 21.0).abs() < 1e-9);
        assert!((contrast_with_white("#ffffff").unwrap() - 1.0).abs() < 1e-9);
        // #767676 is the lightest grey on which white may stand.
        assert!(contrast_with_white("#767676").unwrap() >= 4.5);
        assert!(contrast_with_white("#777777").unwrap() < 4.5);
    }
}
