//! Malay. It has one plural form.

use super::Texts;

pub(super) const TEXTS: Texts = Texts {
    tag: "ms",
    direction: "ltr",
    waiting_room: "Bilik menunggu",
    joining: ("Sebentar", "Anda sedang mendapat tempat dalam barisan. Halaman ini akan bersambung sendiri."),
    waiting: (
        "Anda berada dalam barisan",
        "Biarkan halaman ini terbuka: anda akan dibawa masuk secara automatik apabila tiba giliran anda. Memuat semula halaman tidak mengubah apa-apa.",
    ),
    your_turn: ("Giliran anda telah tiba", "Anda sedang dibawa masuk sekarang."),
    next: (
        "Anda yang seterusnya",
        "Semua tempat di dalam penuh buat masa ini. Tempat anda disimpan; tempat kosong yang berikutnya adalah untuk anda.",
    ),
    drawing: (
        "Anda menyertai cabutan",
        "Setiap setengah minit tempat dicabut antara semua yang menunggu, dengan peluang yang sama bagi setiap orang pada setiap kali. Biarkan halaman ini terbuka: anda akan dibawa masuk sebaik sahaja anda dicabut.",
    ),
    prequeue: (
        "Belum bermula",
        "Tiada sesiapa dibenarkan masuk sebelum waktu mula. Tempat anda disimpan. Biarkan halaman ini terbuka: ia akan bersambung sendiri.",
    ),
    prequeue_drawn: (
        "Belum bermula",
        "Pada waktu mula tempat dicabut antara semua yang sudah berada di sini: peluang semua orang sama, dan datang awal tidak memberi kelebihan. Biarkan halaman ini terbuka: ia akan bersambung sendiri.",
    ),
    closed: (
        "Ditutup buat masa ini",
        "Tiada orang baharu dibenarkan masuk sekarang. Jika anda baru menghantar borang, tiada apa-apa yang diterima.",
    ),
    held: (
        "Barisan dihentikan seketika",
        "Tiada sesiapa dibenarkan masuk buat masa ini. Tempat anda disimpan. Halaman ini akan bersambung sendiri.",
    ),
    reconnecting: (
        "Menyambung semula",
        "Bilik menunggu tidak dapat dihubungi buat masa ini. Tempat anda disimpan. Halaman ini akan mencuba lagi sendiri.",
    ),
    unavailable: (
        "Sila tunggu sebentar",
        "Bilik menunggu tidak dapat dihubungi buat masa ini. Halaman ini akan mencuba lagi sendiri.",
    ),
    cookies_blocked: (
        "Sila benarkan kuki",
        "Pelayar anda tidak menyimpan kuki kami, jadi tempat anda dalam barisan tidak dapat disimpan. Benarkan kuki untuk laman ini, kemudian buka halaman ini semula.",
    ),
    form_held: (
        "Borang anda belum dihantar",
        "Anda tidak berada di dalam semasa menghantarnya, jadi tiada apa-apa yang diterima. Buka halaman ini dalam tab lain, tunggu giliran anda di sana, kemudian kembali ke sini dan hantar semula.",
    ),
    left: ("Anda telah keluar", "Tempat anda telah dilepaskan. Terima kasih: orang lain menghargainya."),
    ticket_used: (
        "Tempat ini telah digunakan",
        "Lawatan anda yang bermula dengan tempat ini telah tamat. Anda boleh menyertai barisan semula.",
    ),
    place: "Tempat anda",
    ahead: "Di hadapan anda",
    wait: "Anggaran masa menunggu",
    here: "Menunggu di sini",
    starts_in: "Bermula dalam",
    verified: "Disemak pada peranti ini: tempat anda sepadan dengan cabutan awam.",
    unverified: "Tempat anda tidak sepadan dengan cabutan awam seperti yang dikira oleh peranti ini. Sila maklumkan kepada penganjur.",
    people: |_| "{n} orang",
    minutes: |_| "{n} minit",
    hours: |_| "{n} jam",
    range: "{a} hingga {b}",
    under: "kurang daripada {b}",
    unknown_wait: "belum dapat dianggarkan",
    progress: "Perjalanan anda dalam barisan",
    checked: "Kali terakhir disemak",
    offline: "Anda di luar talian. Halaman ini bersambung sebaik sahaja anda kembali.",
    leave: "Keluar dari barisan",
    leave_sure: "Lepaskan tempat anda? Anda perlu menyertai semula di hujung barisan.",
    leave_yes: "Ya, keluar",
    leave_no: "Kekal",
    again: "Buka halaman semula",
    home: "Kembali ke halaman utama",
};
