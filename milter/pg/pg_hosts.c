/*
 * Computes which hosts of a connection string are left to try. It owns the lists that it returns
 * until they are freed; any thread may call it.
 */
#include "milter/pg/pg_hosts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"

/* One element of a list; len 0: not given. */
struct item {
	const char *text;
	int len;
};

/* The parameters of a connection, each a list. */
struct lists {
	const char *host, *hostaddr, *port;
	const char *default_port;
};

static int count_items(const char *list)
{
	int count = list[0] != '\0';

	for (; *list != '\0'; list++)
		count += *list == ',';
	return count;
}

static struct item item_at(const char *list, int i)
{
	for (; i > 0 && *list != '\0'; list++)
		i -= *list == ',';
	return (struct item){ list, i > 0 ? 0 : (int)strcspn(list, ",") };
}

static bool equals(struct item item, const char *text)
{
	return text != NULL && strlen(text) == (size_t)item.len &&
		strncmp(item.text, text, (size_t)item.len) == 0;
}

static struct item port_at(const struct lists *lists, int i)
{
	struct item port = item_at(lists->port, count_items(lists->port) > 1 ? i : 0);

	if (port.len == 0)
		port = (struct item){ lists->default_port, (int)strlen(lists->default_port) };
	return port;
}

/* Return whether the host at i is the one that has answered. */
static bool has_answered(PGconn *conn, const struct lists *lists, int i)
{
	const struct item host = item_at(lists->host, i), address = item_at(lists->hostaddr, i);

	if (!equals(port_at(lists, i), PQport(conn)))
		return false;
	if (address.len > 0 && !equals(address, PQhostaddr(conn)))
		return false;
	return host.len == 0 || equals(host, PQhost(conn));
}

static void add_item(struct strbuf *list, bool is_first, struct item item)
{
	strbuf_addf(list, "%s%.*s", is_first ? "" : ",", item.len, item.text);
}

/* Make the lists of those hosts after i, and then before it, that have not answered. */
static struct pg_hosts *make_rest(PGconn *conn, const struct lists *lists, int i, int count)
{
	struct strbuf host = STRBUF_INIT, hostaddr = STRBUF_INIT, port = STRBUF_INIT;
	struct pg_hosts *rest = calloc(1, sizeof(*rest));
	int found = 0;

	for (int j = (i + 1) % count; j != i; j = (j + 1) % count) {
		const struct item name = item_at(lists->host, j);
		const struct item address = item_at(lists->hostaddr, j);

		if (name.len + address.len == 0 || has_answered(conn, lists, j))
			continue; /* libpq has no text for its default in a list of one */
		/* An empty list would not override the connection string's. */
		if (lists->host[0] != '\0')
			add_item(&host, found == 0, name.len > 0 ? name : address);
		if (lists->hostaddr[0] != '\0')
			add_item(&hostaddr, found == 0, address);
		add_item(&port, found == 0, port_at(lists, j));
		found++;
	}
	if (rest != NULL) {
		rest->host = strbuf_take(&host);
		rest->hostaddr = strbuf_take(&hostaddr);
		rest->port = strbuf_take(&port);
	}
	if (found == 0 || rest == NULL || rest->host == NULL || rest->hostaddr == NULL ||
		rest->port == NULL)
		pg_hosts_free(&rest);
	return rest;
}

static const char *text_or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static struct lists find_lists(const PQconninfoOption *option)
{
	struct lists lists = { "", "", "", "" };

	for (; option != NULL && option->keyword != NULL; option++) {
		if (strcmp(option->keyword, "host") == 0)
			lists.host = text_or_empty(option->val);
		else if (strcmp(option->keyword, "hostaddr") == 0)
			lists.hostaddr = text_or_empty(option->val);
		else if (strcmp(option->keyword, "port") == 0) {
			lists.port = text_or_empty(option->val);
			lists.default_port = text_or_empty(option->compiled);
		}
	}
	return lists;
}

struct pg_hosts *pg_hosts_besides(PGconn *conn)
{
	PQconninfoOption *options = PQconninfo(conn);
	const struct lists lists = find_lists(options);
	const int count = count_items(lists.hostaddr[0] != '\0' ? lists.hostaddr : lists.host);
	struct pg_hosts *rest = NULL;

	for (int i = 0; i < count; i++) {
		if (!has_answered(conn, &lists, i))
			continue;
		rest = make_rest(conn, &lists, i, count);
		break;
	}
	PQconninfoFree(options);
	return rest;
}

void pg_hosts_free(struct pg_hosts **hosts)
{
	if (*hosts == NULL)
		return;
	free((*hosts)->host);
	free((*hosts)->hostaddr);
	free((*hosts)->port);
	free(*hosts);
	*hosts = NULL;
}
