// What the demo shop looks like: plain HTML, one style sheet, light and dark, nothing from anybody else. Every button is
// a form, so that the shop works without script; the script only says goodbye to the shop before a seat is given back.

export const ITEMS = [
  { n: 1, name: "Monday, 9:00", what: "First dose, Dr. Tan, room 4" },
  { n: 2, name: "Monday, 9:20", what: "First dose, Dr. Aminah, room 2" },
  { n: 3, name: "Tuesday, 14:40", what: "Second dose, Dr. Kumar, room 1" },
];

export const STYLE = `:root { color-scheme: light dark; --line: light-dark(#c9d1d9, #444c56); --soft: light-dark(#f3f6f9, #1c2128); --accent: light-dark(#0b5cad, #8ec1ff); }
* { box-sizing: border-box }
body { font: 1.05rem/1.6 system-ui, sans-serif; max-width: 44rem; margin: 0 auto; padding: 1.5rem 1rem 3rem }
header, footer { border-block-end: 1px solid var(--line); padding-block-end: .75rem }
footer { border-block: 1px solid var(--line) 0; margin-block-start: 2.5rem; padding-block: 1rem 0 }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem }
a { color: var(--accent) }
ul.items { list-style: none; padding: 0; display: grid; gap: .75rem }
ul.items li { background: var(--soft); border: 1px solid var(--line); border-radius: .75rem; padding: .75rem 1rem }
button { font: inherit; min-height: 2.75rem; padding: .5rem 1.25rem; border-radius: .5rem; border: 1px solid currentColor; background: var(--soft); color: inherit; cursor: pointer }
button.main { background: light-dark(#0b5cad, #1f6fc4); border-color: transparent; color: #fff }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }`;

export const SCRIPT = `addEventListener("submit", async (event) => {
  if (!event.target.matches("form[data-says-goodbye]")) return;
  event.preventDefault();
  // Whatever comes of it, the seat is given back.
  await fetch("/bye", { method: "POST" }).catch(() => {});
  event.target.submit();
});`;

const page = (title, body) => `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>${title} · Town clinic</title>
<link rel="stylesheet" href="/style.css"><script src="/shop.js" defer></script></head>
<body><header><nav aria-label="Clinic"><a href="/">All appointments</a><a href="/checkout">Your appointment</a></nav></header>
<main><h1>${title}</h1>${body}</main>
<footer><form method="post" action="/bye"><button>Leave the shop</button></form></footer></body></html>`;

const giveBack = (label, attribute = "") =>
  `<form method="post" action="/.anteroom/leave"${attribute}><button id="leave" class="main">${label}</button></form>`;

export const front = () => page("Choose an appointment", `<p>Please have your card ready. Booking takes about two minutes.</p>
<ul class="items">${ITEMS.map(({ n, name, what }) => `<li><a href="/item/${n}">${name}</a><br>${what}</li>`).join("")}</ul>`);

export const item = ({ name, what }) => page(name, `<p>${what}</p>
<form method="post" action="/cart"><button id="choose" class="main">Choose this appointment</button></form>`);

export const checkout = () => page("Your appointment", `<p>We keep it for you while you are here.</p>
<form method="post" action="/purchase"><button id="confirm" class="main">Confirm the appointment</button></form>`);

export const thanks = () => page("Thank you", `<p id="done">Your appointment is confirmed.</p>
${giveBack("Leave and let the next person in", " data-says-goodbye")}`);

export const goodbye = () => page("Goodbye", `<p>You are signed out.</p>${giveBack("Let the next person in")}`);
