/*
 * Opens the daemon's sockets, as root if it was started by root, with the owner, group and mode
 * that the configuration sets. Main thread. t/integration/test_daemon.py covers it.
 */
#include <sysexits.h>
#include <unistd.h>

#include "milter/control/control_commands.h"
#include "milter/daemon_private.h"
#include "milter/loop/listen.h"
#include "milter/smtp/callbacks_thread.h"

static struct listen_owner owner_of(const struct daemon *daemon, const char *section, uint32_t mode,
	const char *group)
{
	struct listen_owner owner = { .mode = mode, .uid = (uid_t)-1, .gid = (gid_t)-1 };
	struct errmsg err;
	const int ret = listen_group(group, &owner.gid, &err);

	if (ret != 0) {
		(void)errmsg_prefix(&err, "[%s] socket_group: ", section);
		/* systemd starts the daemon again unless the configuration is wrong. */
		process_fail(ret == LISTEN_LOOKUP_FAILED ? EX_TEMPFAIL : EX_CONFIG, &err);
	}
	if (geteuid() == 0 && daemon->user.name[0] != '\0')
		owner.uid = daemon->user.uid;
	return owner;
}

void daemon_open_auth_sockets(struct daemon *daemon)
{
	const struct listen_owner owner = owner_of(daemon, "auth", daemon->config->auth.socket_mode,
		daemon->config->auth.socket_group);
	struct errmsg err;

	if (auth_sockets_open(&daemon->config->auth, &owner, &daemon->auth_sockets, &err) != 0)
		process_fail(EX_UNAVAILABLE, &err);
}

void daemon_open_control_socket(struct daemon *daemon)
{
	const struct listen_owner owner = owner_of(daemon, "control",
		daemon->config->control.socket_mode, daemon->config->control.socket_group);
	const struct control_subject subject = {
		.commands = control_commands(),
		.shared = daemon->shared,
		.status = daemon->status,
		.suspensions = daemon->suspension_keeper,
	};
	struct errmsg err;
	int fd;

	if (daemon->config->control.socket[0] == '\0')
		return;
	if (listen_unix(daemon->config->control.socket, &owner, &fd, &err) != 0)
		process_fail(EX_UNAVAILABLE, &err);
	listen_note_file(daemon->config->control.socket, &daemon->control_file);
	if (control_new(daemon->server, fd, &subject, &daemon->control, &err) != 0)
		process_fail(EX_OSERR, &err);
}

void daemon_open_milter_socket(struct daemon *daemon)
{
	const struct milter_socket socket = {
		.name = daemon->config->milter.socket,
		.allow_remote = daemon->config->milter.allow_remote,
		.owner = owner_of(daemon, "milter", daemon->config->milter.socket_mode,
			daemon->config->milter.socket_group),
		.timeout = (int)daemon->config->milter.timeout,
	};
	struct errmsg err;

	if (milter_open(&socket, daemon->shared, &err) != 0) {
		listen_remove(&daemon->control_file, socket.owner.uid);
		process_fail(EX_UNAVAILABLE, &err);
	}
}
