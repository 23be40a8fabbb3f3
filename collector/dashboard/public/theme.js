// Runs before the first paint. A file and not an inline script, because the server's content security policy allows
// scripts from its own origin only. src/theme/theme.ts takes over from here and uses the same key and attribute.
(function () {
  var choice = null;
  try {
    choice = localStorage.getItem("faultwire-theme");
  } catch (_) {
    // Storage may be blocked; the system's preference is a good answer then.
  }
  var dark = choice === "dark" || (choice !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
