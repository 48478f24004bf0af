// Shows the alerts that the server pushes to this browser, also while the console is closed, and opens them when they are touched.

self.addEventListener("push", (event) => {
  const { title, body, alert_id: tag, severity, url, image } = event.data.json();
  const looks = { body, tag, renotify: Boolean(tag), image, icon: "/icon.svg", lang: "pt-BR", requireInteraction: severity === "critical", data: url };
  event.waitUntil(self.registration.showNotification(title, looks));
});

/** The link leads to the console's public address; here it is opened at the one by which this browser knows it. */
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { pathname, search } = new URL(event.notification.data || "/alertas", self.location.origin);
  event.waitUntil(show(pathname + search));
});

async function show(address) {
  const [open] = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (!open) return self.clients.openWindow(address);
  await open.focus();
  return open.navigate(address).catch(() => self.clients.openWindow(address));
}
