/* pass.c: see pass.h, unix(7) and cmsg(3). */
#include "sys/pass.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

union control { /* aligned as the kernel wants it */
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

enum err pass_send(int socket, int fd, struct error *err)
{
	union control control = { 0 };
	char word = 'F'; /* a message without a byte would look like the end */
	struct iovec part = { &word, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
				  .msg_controllen = sizeof control.bytes };
	assert(fd >= 0);
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(head), &fd, sizeof fd);
	if (sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
		return OK;
	return error_set(err, ERR_UNAVAILABLE, "could not hand over a descriptor: %s", strerror(errno));
}

enum err pass_receive(int socket, int *ret_fd, struct error *err)
{
	union control control = { 0 };
	char word;
	struct iovec part = { &word, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
				  .msg_controllen = sizeof control.bytes };
	ssize_t count = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return error_set(err, ERR_LIMIT, "no descriptor is waiting");
	if (count <= 0)
		return error_set(err, ERR_UNAVAILABLE, "the other side is gone");
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	if (head == NULL || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS ||
	    head->cmsg_len != CMSG_LEN(sizeof *ret_fd))
		return error_set(err, ERR_CORRUPT, "a message came without a descriptor");
	memcpy(ret_fd, CMSG_DATA(head), sizeof *ret_fd);
	return OK;
}
