//! Chinese, simplified. It has one plural form.

use super::Texts;

pub(super) const TEXTS: Texts = Texts {
    tag: "zh-Hans",
    direction: "ltr",
    waiting_room: "等候室",
    joining: ("请稍候", "正在为您排号。本页面会自动继续。"),
    waiting: ("您正在排队", "请保持本页面打开：轮到您时会自动进入。刷新页面不会改变您的位置。"),
    your_turn: ("轮到您了", "正在为您进入。"),
    next: ("下一位就是您", "此刻里面的位置已满。您的位置已保留，下一个空位就是您的。"),
    held: ("队伍暂停", "目前暂不放行。您的位置已保留。本页面会自动继续。"),
    reconnecting: ("正在重新连接", "暂时无法连接等候室。您的位置已保留。本页面会自动重试。"),
    unavailable: ("请稍等片刻", "暂时无法连接等候室。本页面会自动重试。"),
    cookies_blocked: (
        "请允许使用 Cookie",
        "您的浏览器没有保存我们的 Cookie，因此无法为您保留排队位置。请为本网站允许 Cookie，然后重新打开页面。",
    ),
    form_held: (
        "您的表单尚未发送",
        "您提交时不在里面，因此我们没有收到任何内容。请在另一个标签页打开本页面，在那里等到轮到您，然后回到这里重新提交。",
    ),
    left: ("您已离开", "您的位置已让出。谢谢，这会帮到其他人。"),
    ticket_used: ("此位置已使用过", "以此位置开始的访问已经结束。欢迎您重新排队。"),
    place: "您的号码",
    ahead: "您前面",
    wait: "预计等候时间",
    people: |_| "{n} 人",
    minutes: |_| "{n} 分钟",
    hours: |_| "{n} 小时",
    range: "{a} 至 {b}",
    under: "不到 {b}",
    unknown_wait: "暂时无法估计",
    progress: "您的排队进度",
    checked: "上次查询",
    offline: "您已离线。恢复连接后本页面会立即继续。",
    leave: "离开队伍",
    leave_sure: "要放弃您的位置吗？之后只能从队尾重新排队。",
    leave_yes: "是的，离开",
    leave_no: "留下",
    again: "重新打开页面",
    home: "返回首页",
};
