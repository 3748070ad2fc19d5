//! English.

use super::{Plural, Texts};

pub(super) const TEXTS: Texts = Texts {
    tag: "en",
    direction: "ltr",
    waiting_room: "Waiting room",
    joining: ("One moment", "You are getting a place in line. This page goes on by itself."),
    waiting: (
        "You are in line",
        "Keep this page open: it takes you in by itself when it is your turn. Reloading changes nothing.",
    ),
    your_turn: ("It is your turn", "You are being taken in now."),
    next: (
        "You are next",
        "Every place inside is taken at this moment. Yours is kept; the next one that is free is for you.",
    ),
    drawing: (
        "You are in the draw",
        "Every half minute places are drawn among all who wait, with the same chance for everybody each time. Keep this page open: it takes you in by itself once you are drawn.",
    ),
    prequeue: (
        "It has not begun yet",
        "Nobody is let in before the start. Your place is kept. Keep this page open: it goes on by itself.",
    ),
    prequeue_drawn: (
        "It has not begun yet",
        "At the start places are drawn among all who are here by then: everybody has the same chance, and being early gains nothing. Keep this page open: it goes on by itself.",
    ),
    closed: (
        "Closed for now",
        "Nobody new is let in at this time. If you have just sent a form, nothing of it has arrived.",
    ),
    held: (
        "The line is paused",
        "Nobody is being let in just now. Your place is kept. This page goes on by itself.",
    ),
    reconnecting: (
        "Reconnecting",
        "We cannot reach the waiting room at this moment. Your place is kept. This page tries again by itself.",
    ),
    unavailable: (
        "Please wait a moment",
        "The waiting room cannot be reached just now. This page tries again by itself.",
    ),
    cookies_blocked: (
        "Please allow cookies",
        "Your browser does not keep our cookie, so it cannot keep a place in line for you. Allow cookies for this site, then open the page again.",
    ),
    form_held: (
        "Your form has not been sent",
        "You were not inside when you sent it, so nothing has arrived. Open the page in another tab, wait for your turn there, then come back here and send it again.",
    ),
    left: ("You have left", "Your place has been given up. Thank you: somebody else is glad of it."),
    ticket_used: (
        "This place has been used",
        "Your visit that began with this place is over. You are welcome to join the line again.",
    ),
    place: "Your place",
    ahead: "Ahead of you",
    wait: "Expected wait",
    here: "Waiting here",
    starts_in: "Starts in",
    verified: "Checked on this device: your place follows from the public draw.",
    unverified: "Your place does not follow from the public draw as this device computes it. Please tell the organiser.",
    people: |plural| match plural {
        Plural::One => "{n} person",
        _ => "{n} people",
    },
    minutes: |plural| match plural {
        Plural::One => "{n} minute",
        _ => "{n} minutes",
    },
    hours: |plural| match plural {
        Plural::One => "{n} hour",
        _ => "{n} hours",
    },
    range: "{a} to {b}",
    under: "under {b}",
    unknown_wait: "cannot be said yet",
    progress: "Your way through the line",
    checked: "Last checked",
    offline: "You are offline. This page goes on as soon as you are back.",
    leave: "Leave the line",
    leave_sure: "Give up your place? You would have to join again at the end.",
    leave_yes: "Yes, leave",
    leave_no: "Stay",
    again: "Open the page again",
    home: "Back to the home page",
};
