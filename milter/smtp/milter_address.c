/*
 * Looks up the host of [milter] socket and refuses addresses that other machines can reach. Owns
 * nothing; the main thread calls it before the daemon serves.
 */
#include "milter/smtp/milter_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "lib/base/text.h"
#include "milter/smtp/milter_address_private.h"

bool milter_address_is_inet(const char *socket)
{
	return strncasecmp(socket, "inet:", 5) == 0 || strncasecmp(socket, "inet6:", 6) == 0;
}

static bool is_loopback4(const struct in_addr *address)
{
	return ntohl(address->s_addr) >> 24 == 127;
}

static bool is_loopback6(const struct in6_addr *address)
{
	/* The last four bytes of a mapped address are the IPv4 address. */
	return IN6_IS_ADDR_LOOPBACK(address) ||
		(IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

/* Write the address as text. Returns whether it is a loopback address. */
static bool read_address(const struct sockaddr *address, char text_r[INET6_ADDRSTRLEN])
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

	if (address->sa_family == AF_INET6) {
		(void)inet_ntop(AF_INET6, &in6->sin6_addr, text_r, INET6_ADDRSTRLEN);
		return is_loopback6(&in6->sin6_addr);
	}
	(void)inet_ntop(AF_INET, &in->sin_addr, text_r, INET6_ADDRSTRLEN);
	return is_loopback4(&in->sin_addr);
}

int milter_address_choose(const char *socket, const struct addrinfo *found,
	char name_r[MILTER_ADDRESS_SIZE], struct errmsg *err)
{
	const int before_host = (int)(strchr(socket, '@') + 1 - socket);
	char first[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN];

	(void)read_address(found->ai_addr, first);
	for (; found != NULL; found = found->ai_next) {
		if (!read_address(found->ai_addr, text))
			return errmsg_set(err,
				"%s: other machines may reach %s, and the daemon "
				"believes everybody who connects; use 127.0.0.1, ::1 or a unix socket, or "
				"set allow_remote = yes if a firewall admits the MTA alone",
				socket, text);
	}
	(void)text_format(name_r, MILTER_ADDRESS_SIZE, "%.*s[%s]", before_host, socket, first);
	return 0;
}

/* The host without brackets. Returns false when it is too long. */
static bool read_host(const char *socket, char host_r[NI_MAXHOST])
{
	const char *host = strchr(socket, '@') + 1;
	size_t len = strlen(host);

	if (host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	if (len >= NI_MAXHOST)
		return false;
	memcpy(host_r, host, len);
	host_r[len] = '\0';
	return true;
}

int milter_address_find(const char *socket, bool allow_remote, char name_r[MILTER_ADDRESS_SIZE],
	struct errmsg *err)
{
	const struct addrinfo hints = {
		.ai_family = strncasecmp(socket, "inet6:", 6) == 0 ? AF_INET6 : AF_INET,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found = NULL;
	char host[NI_MAXHOST];
	int ret;

	if (!milter_address_is_inet(socket) || allow_remote) {
		if (strlen(socket) >= MILTER_ADDRESS_SIZE)
			return errmsg_set(err, "the name is too long");
		memcpy(name_r, socket, strlen(socket) + 1);
		return 0;
	}
	if (strchr(socket, '@') == NULL || !read_host(socket, host))
		return errmsg_set(err, "%s: it must be inet:PORT@HOST", socket);
	if ((ret = getaddrinfo(host, NULL, &hints, &found)) != 0)
		return errmsg_set(err, "%s: '%s' has no address of this kind: %s", socket, host,
			gai_strerror(ret));
	ret = milter_address_choose(socket, found, name_r, err);
	freeaddrinfo(found);
	return ret;
}
