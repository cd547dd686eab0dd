// Traefik's own 404, which is what it says where no router fits.
const NO_ROUTER = '404 page not found';

// `read` gives the page, for who has read it already. Raises what reading does.
async function says(reply, read) {
    const plain = (reply.headers.get('Content-Type') || '').startsWith('text/plain');
    if (reply.status !== 404 || !plain || reply.headers.get('X-Content-Type-Options') !== 'nosniff') {
        return false;
    }
    const text = await (read ? read() : reply.text());
    return !text || text.trim() === NO_ROUTER;
}

export default {says};
