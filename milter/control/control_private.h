#ifndef POSTERN_CONTROL_PRIVATE_H
#define POSTERN_CONTROL_PRIVATE_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <jansson.h>
#include <sys/types.h>

#include "lib/rules/check.h"
#include "milter/control/control.h"
#include "milter/loop/fair_queue.h"
#include "milter/loop/server_listener.h"
#include "milter/loop/workers.h"

/*
 * Shared by milter/control only. Calls go one way: control_commands.c uses the files of the
 * commands, which use control.c. All of it belongs to the server thread.
 */

struct connection {
	struct connection *next;
	struct control *control;
	struct bufferevent *bev;
	uint64_t number; /* identifies the connection even after it is closed */
	uid_t user;	 /* of the process that has connected */
	uint64_t reload; /* the reload that the connection waits for; 0: none */
	bool is_busy;	 /* an answer is being prepared: read no further request */
	bool is_following;
	bool has_ended;	  /* the client sends no more but may still read */
	uint64_t dropped; /* lost lines that have not yet been reported to the client */
};

/* Work that takes too long for the server thread, such as the regexes of an explained session. */
struct control_task {
	struct fair_item item;		/* first, so that a pointer to it is one to the task */
	void (*run)(void *argument);	/* on a worker */
	void (*forget)(void *argument); /* in place of run(), if the daemon ends before */
	void *argument;			/* contains the task */
};

/* The workers, and the tasks that wait for one. */
struct control_tasks {
	struct workers *workers;
	struct fair_queue *waiting; /* by user */
	size_t working;		    /* workers that have a task */
};

struct control {
	struct server *server;
	struct control_subject subject;
	struct cache *cache;
	struct auth *auth; /* NULL: logins are not served */
	struct control_tasks tasks;
	int listen_fd; /* -1 once the listener has it */
	struct server_listener *listener;
	struct connection *connections; /* by activity, the idlest last */
	size_t count;
	uint64_t last_number;
};

/* A command: answers the request, or marks the connection busy and answers later. */
struct control_command {
	const char *name;
	void (*obey)(struct connection *connection, const json_t *request);
};

/* Send an answer and release it; NULL: out of memory. The connection is no longer busy. */
void connection_answer(struct connection *connection, json_t *answer);

/* Answer {"ok": false, "error": why}. */
void connection_refuse(struct connection *connection, const char *why);

/*
 * Mark the connection busy with work that may take long. Refuses the request and returns false if
 * too many connections are busy already (see control.h).
 */
bool connection_begin_work(struct connection *connection);

/* Add the user who sent a request to the log line about it. */
void connection_add_user(const struct connection *connection, struct strbuf *line);

/* Return the connection with this number; NULL when it is closed. */
struct connection *control_find(struct control *control, uint64_t number);

/* The objects that the command limits reads. policy may be NULL. */
struct limits_moment {
	const struct ledger_ops *ledger;
	uint64_t now; /* the ledger's time */
	const struct policy *policy;
	struct mta_names *mta_names;
};

/*
 * Describe a key by the use of its limits in force or, without any, by its counts. Returns false
 * when there is neither; otherwise *json_r is a new reference, or NULL when out of
 * memory. nearness_r may be NULL.
 */
bool limits_key_json(const struct limits_moment *moment, const struct check_key *key,
	json_t **json_r, double *nearness_r);

/* Return the used share of the fullest limit of a key; 1: it is full. */
double limits_view_nearness(const struct ledger_view *view);

/* Answer a request about what a person calls a key: show it, or clear its counts. */
void limits_answer_key(struct connection *connection, const struct limits_moment *moment,
	const char *text, bool reset);

/*
 * The workers (control_tasks.c). Users take turns, so that nobody waits for more than one task of
 * each other user. Root and the daemon's user do not wait for tasks of members. All of these
 * functions belong to the server thread.
 */
#define CONTROL_WORKERS 2

/* Return whether the user is root or the daemon's. Others are members of the socket's group, of
 * whom one may have thousands of users: the subordinate ones of his user namespaces. */
bool control_is_owner(uid_t user);

/* Returns 0, or -1 with err set; control_tasks_stop() frees everything in both cases. */
int control_tasks_start(struct control_tasks *tasks, struct errmsg *err);

/* Run the tasks that the workers have, and forget the others. */
void control_tasks_stop(struct control_tasks *tasks);

/* Let a worker run the task for the user. Returns 0, or -1 when out of memory. */
int control_tasks_add(struct control_tasks *tasks, uid_t user, struct control_task *task);

/* Make the worker of a finished task available to the next one. */
void control_tasks_ended(struct control_tasks *tasks);

/* The commands, each in a file control_*.c of its subject. */
void obey_status(struct connection *connection, const json_t *request);
void obey_reload(struct connection *connection, const json_t *request);
void obey_explain(struct connection *connection, const json_t *request);
void obey_tail(struct connection *connection, const json_t *request);
void obey_limits(struct connection *connection, const json_t *request);
void obey_suspend(struct connection *connection, const json_t *request);
void obey_resume(struct connection *connection, const json_t *request);
void obey_suspended(struct connection *connection, const json_t *request);
void obey_auth_reset(struct connection *connection, const json_t *request);
void obey_auth_example(struct connection *connection, const json_t *request);

#endif
