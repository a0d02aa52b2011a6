"""A file system that does not answer while a flag exists, as one on the network whose server is gone."""

import subprocess

SOURCE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static void wait_for(const char *path)
{
	while (strncmp(path, HANGS, strlen(HANGS)) == 0 && access(FLAG, F_OK) == 0)
		usleep(20000);
}
static void wait_for_file(int fd)
{
	char link[40], path[4096] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (fd > 2 && access(FLAG, F_OK) == 0 && readlink(link, path, sizeof(path) - 1) > 0)
		wait_for(path);
}
int stat(const char *path, struct stat *st)
{
	int (*real)(const char *, struct stat *) = (int (*)(const char *, struct stat *))dlsym(RTLD_NEXT, "stat");

	wait_for(path);
	return real(path, st);
}
ssize_t write(int fd, const void *bytes, size_t len)
{
	ssize_t (*real)(int, const void *, size_t) = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");

	wait_for_file(fd);
	return real(fd, bytes, len);
}
int fdatasync(int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");

	wait_for_file(fd);
	return real(fd);
}
"""


def let_hang(box, daemon, path):
    """
    Have the daemon's looks at, and its writes to, what begins with path wait while the returned flag exists. It must
    not run yet.
    """
    flag, library = box.folder / "hangs", box.folder / "hanging.so"
    subprocess.run(["cc", "-shared", "-fPIC", f'-DFLAG="{flag}"', f'-DHANGS="{path}"', "-x", "c", "-",
                    "-o", library, "-ldl"], input=SOURCE, text=True, check=True)
    daemon.process.env = {**(daemon.process.env or {}), "LD_PRELOAD": str(library)}
    return flag
