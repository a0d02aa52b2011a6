#ifndef POSTERN_CONTROL_PRIVATE_H
#define POSTERN_CONTROL_PRIVATE_H

#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <jansson.h>

#include "milter/control/control.h"
#include "milter/loop/workers.h"

/* For control.c and control_commands.c alone. All of it belongs to the server thread. */

struct connection {
	struct connection *next;
	struct control *control;
	struct bufferevent *bev;
	uint64_t number; /* names it, also after it is gone */
	uint64_t reload; /* the reload that it waits for; 0: none */
	bool is_busy;	 /* an answer is being made: read no further */
	bool is_following;
	bool has_ended;	  /* it sends no more, but may read on */
	uint64_t dropped; /* lines that it was too slow for, not told yet */
};

struct control {
	struct server *server;
	struct control_subject subject;
	struct cache *cache;
	struct auth *auth;	      /* NULL: logins are not served */
	const char *suspensions_path; /* "": suspensions are not kept */
	struct workers *workers;
	int listen_fd; /* -1 once the listener has it */
	struct evconnlistener *listener;
	struct connection *connections;
	size_t count;
	uint64_t last_number;
};

/* Send an answer, which is taken over (NULL: out of memory). */
void connection_answer(struct connection *connection, json_t *answer);
void connection_refuse(struct connection *connection, const char *why);

/* NULL when it is gone. */
struct connection *control_find(struct control *control, uint64_t number);

/* {"command": "limits"}: control_limits.c */
void obey_limits(struct connection *connection, const json_t *request);

/* Obey one request: answer, or mark the connection busy and answer later. */
void control_obey(struct connection *connection, const char *line, size_t len);

/* control_auth.c */
void obey_suspend(struct connection *connection, const json_t *request);
void obey_resume(struct connection *connection, const json_t *request);
void obey_suspended(struct connection *connection, const json_t *request);
void obey_auth_reset(struct connection *connection, const json_t *request);

/* {"command": "status"}: control_status.c */
void obey_status(struct connection *connection, const json_t *request);

/* Someone hung up who followed. */
void control_unfollow(struct connection *connection);

#endif
