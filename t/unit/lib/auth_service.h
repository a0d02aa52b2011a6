#ifndef POSTERN_AUTH_SERVICE_H
#define POSTERN_AUTH_SERVICE_H

#include <stdbool.h>

#include "milter/auth/auth.h"

/*
 * The service of logins in a test, with the users bob and off (disabled), both with the password
 * "pa55word", and the profiles all and token. A failure to make it ends the test.
 */
struct auth_service {
	struct snapshot *snapshot;
	struct shared *shared;
	struct policy *policy;
	struct server *server;
	struct auth *auth;
	char folder[64], path[AUTH_SOCKETS][96];
};

#define AUTH_SERVICE_SECRET "0123456789abcdef0123456789abcdef"

/* Make the service with this configuration: the text of postern.conf. The server thread does not
 * run yet. */
void auth_service_new(struct auth_service *service, const char *config);
void auth_service_free(struct auth_service *service);

/* Make a configuration from its text; the caller's reference. */
const struct config *auth_service_config(const char *text);

/* Make the policy again, with other salts in its hashes. Returns the caller's reference. */
struct policy *auth_service_policy(void);

/* Put the policy in force. auth_service_new() leaves that to the test. */
void auth_service_publish(struct auth_service *service);

/* Forgive failures. Returns the number of logins and networks that had some. The server thread does
 * not run yet. */
size_t auth_service_forgive(const struct auth_service *service, const char *whose);

/* Start the server thread. */
void auth_service_run(struct auth_service *service);

/* Connect to a socket: a descriptor, whose reads wait for 20 s at most. */
int auth_service_connect(const struct auth_service *service, enum auth_socket which);

/* Send len bytes. */
void auth_service_send(int client, const char *bytes, size_t len);

/* Read a line, without its LF. Returns "" when the connection has ended. The text stays until the
 * next call. */
const char *auth_service_line(int client);

#endif
