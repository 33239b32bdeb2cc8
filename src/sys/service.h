/*
 * service.h: words to the service manager (systemd's sd_notify protocol): one datagram to the socket that
 * $NOTIFY_SOCKET names. Without one nothing is said.
 */
#pragma once

/* "READY=1", "STOPPING=1", "WATCHDOG=1". Never waits, never fails: who listens is not our trouble. */
void service_tell(const char *words);
