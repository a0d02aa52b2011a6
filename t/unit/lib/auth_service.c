/*
 * The service of logins for the tests of milter/auth: a policy with users, sockets in a directory
 * of their own, and clients. The server thread runs only after auth_service_run().
 */
#include "t/unit/lib/auth_service.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/auth/password.h"
#include "milter/log/log.h"
#include "t/unit/lib/made_policy.h"

#define WAIT_MAX_S 20

struct policy *auth_service_policy(void)
{
	struct policy *policy;
	char hash[384];
	struct made m;

	ck_assert_int_eq(password_hash("pa55word", "sha512", 1000, hash, NULL), 0);
	made_begin(&m);
	(void)made_profile(&m, &(struct made_profile){ .id = "1", .name = "all", .open = "t" });
	(void)made_profile(&m, &(struct made_profile){ .id = "2", .name = "token", .open = "t" });
	(void)made_user(&m,
		&(struct made_user){ .id = "1",
			.name = "bob",
			.password = hash,
			.profile_id = "1" });
	(void)made_user(&m,
		&(struct made_user){ .id = "2",
			.name = "off",
			.password = hash,
			.profile_id = "1",
			.enabled = "f" });
	made_build(&m);
	policy = policy_ref(m.policy);
	made_end(&m);
	return policy;
}

static int listening_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, strlen(path) + 1);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	return fd;
}

const struct config *auth_service_config(const char *text)
{
	const struct config *config;
	struct errmsg err;

	ck_assert_msg(config_parse("/etc/p.conf", text, strlen(text), &config, &err) == 0, "%s",
		err.text);
	return config;
}

void auth_service_new(struct auth_service *service, const char *config_text)
{
	const struct config *config = auth_service_config(config_text);
	struct auth_sockets sockets;
	struct settings *settings;
	struct errmsg err;

	*service = (struct auth_service){ .policy = auth_service_policy() };
	log_set_level(LOG_LEVEL_ERROR);
	(void)snprintf(service->folder, sizeof(service->folder), "/tmp/test_auth.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(service->folder));
	for (int s = 0; s < AUTH_SOCKETS; s++) {
		(void)snprintf(service->path[s], sizeof(service->path[s]), "%s/%d", service->folder,
			s);
		sockets.fd[s] = listening_socket(service->path[s]);
	}
	settings = settings_ref(policy_parts(service->policy)->settings);
	service->snapshot = snapshot_new();
	service->shared = shared_new(service->snapshot, settings, false);
	settings_unref(&settings);
	ck_assert_int_eq(server_new(&service->server, &err), 0);
	ck_assert_msg(auth_new(service->server, service->shared, &sockets, config, &service->auth,
			      &err) == 0,
		"%s", err.text);
	config_unref(&config);
}

void auth_service_publish(struct auth_service *service)
{
	snapshot_publish(service->snapshot, policy_ref(service->policy));
}

size_t auth_service_forgive(const struct auth_service *service, const char *whose)
{
	struct errmsg err = { "" };
	size_t forgiven = 0;

	ck_assert_msg(auth_reset(service->auth, whose, &forgiven, &err) == 0, "%s", err.text);
	return forgiven;
}

void auth_service_run(struct auth_service *service)
{
	struct errmsg err;

	ck_assert_int_eq(server_start(service->server, &err), 0);
}

void auth_service_free(struct auth_service *service)
{
	server_stop(service->server);
	auth_free(&service->auth);
	server_free(&service->server);
	shared_free(&service->shared);
	snapshot_free(&service->snapshot);
	policy_unref(&service->policy);
	for (int s = 0; s < AUTH_SOCKETS; s++)
		(void)unlink(service->path[s]);
	(void)rmdir(service->folder);
}

int auth_service_connect(const struct auth_service *service, enum auth_socket which)
{
	const struct timeval wait = { .tv_sec = WAIT_MAX_S };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, service->path[which], strlen(service->path[which]) + 1);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
	return fd;
}

void auth_service_send(int client, const char *bytes, size_t len)
{
	ck_assert_int_eq(send(client, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

const char *auth_service_line(int client)
{
	static char line[1024];
	size_t len = 0;
	ssize_t got;

	while (len < sizeof(line) - 1 && (got = recv(client, line + len, 1, 0)) == 1 &&
		line[len] != '\n')
		len++;
	ck_assert_int_ge(got, 0); /* nothing came within 20 s */
	line[len] = '\0';
	return line;
}
