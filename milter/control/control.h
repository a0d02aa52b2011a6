#ifndef POSTERN_CONTROL_H
#define POSTERN_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/errmsg.h"
#include "milter/auth/auth.h"
#include "milter/cache/cache.h"
#include "milter/loop/server.h"
#include "milter/shared/shared.h"
#include "milter/shared/status.h"

/*
 * The control socket, for posternctl: a line with a JSON object each way, one answer a request, in
 * order, any number of requests a connection. Requests:
 *   {"command": "status"}
 *   {"command": "reload"}			answered when all has been read again
 *   {"command": "explain", "session": {...}}	as lib/decide/explain.h has it; decided by the
 *policy in force
 *   {"command": "tail"}			{"ok": true}, then a line for each decision until
 *the client hangs up; {"dropped": N} where some were lost
 *   {"command": "suspend", "login": "bob"}	by this machine alone; "resume" ends it
 *   {"command": "suspended"}			who is
 *   {"command": "auth-reset", "whose": "bob"}	forgives the failures of a login or an address, or
 *all
 *   {"command": "log-level", "level": "debug"}	until the next reload; without "level": tells it
 *   {"command": "limits", "key": "bob", "reset": true}	how a login or a key of the ledger stands;
 *with "reset" it is forgotten first. Without "key": those nearest to their limits, "top": N of them
 *(20) Answers: {"ok": true, ...}, or {"ok": false, "error": "..."}.
 *
 * Whoever may connect (the socket's mode and group) may ask all of it. A request of more than
 * CONTROL_REQUEST_MAX bytes, and a connection past CONTROL_CONNECTIONS_MAX, is refused; one
 * that says nothing for a minute is closed; one that doesn't read what it follows loses lines, and
 *delays nobody.
 */
#define CONTROL_REQUEST_MAX (1 << 20)
#define CONTROL_CONNECTIONS_MAX 64

struct control;

/* What it tells of. All must outlive it. */
struct control_subject {
	struct shared *shared;
	const struct status *status;
};

/* listen_fd: a listening unix socket (listen_unix()), the control's from here on. 0, or -1 with err
 * set. */
int control_new(struct server *server, int listen_fd, const struct control_subject *subject,
	struct control **control_r, struct errmsg *err);

/* Begin to answer; before server_start(). 0, or -1 with err set. */
int control_serve(struct control *control, struct cache *cache, struct errmsg *err);

/* What it tells of logins: auth (NULL: they are not served) and the file that suspensions are kept
 * in. Before server_start(). */
void control_serve_auth(struct control *control, struct auth *auth, const char *suspensions_path);

/* As cache_hooks.reload_ended: answer those who asked for it. Any thread. */
void control_reload_ended(struct control *control, uint64_t request, bool ok,
	const struct errmsg *err);

/* Close all. After server_stop(). Takes NULL. */
void control_free(struct control **control);

#endif
