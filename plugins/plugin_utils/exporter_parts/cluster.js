// Traefik's pods, as the API server knows them.
import fs from 'fs';
import asking from 'asking.js';
import settings from 'settings.js';

function apiServer() {
    const host = process.env.KUBERNETES_SERVICE_HOST;
    return `${host.includes(':') ? `[${host}]` : host}:${process.env.KUBERNETES_SERVICE_PORT}`;
}

// Other workloads may share the labels: a Deployment's pods belong to a ReplicaSet that is named after it.
function belongs(pod) {
    return (pod.metadata.ownerReferences || []).some((owner) => settings.workload.kind === 'Deployment'
        ? owner.kind === 'ReplicaSet' && owner.name.replace(/-[^-]*$/, '') === settings.workload.name
        : owner.kind === settings.workload.kind && owner.name === settings.workload.name);
}

function ended(pod) {
    return ['Succeeded', 'Failed'].includes(pod.status.phase);
}

// Why the pod is not compared, empty when it is. A replica that has just become ready may still be loading.
function reason(pod, now) {
    if (pod.metadata.deletionTimestamp) {
        return 'leaving';
    }
    const condition = (pod.status.conditions || []).find((each) => each.type === 'Ready');
    if (!condition || condition.status !== 'True' || !pod.status.podIP) {
        return 'not_ready';
    }
    return now - Date.parse(condition.lastTransitionTime) < settings.grace_ms ? 'young' : '';
}

// `now` is in milliseconds since 1970.
function sorted(pods, now) {
    const found = {compared: [], leftOut: {leaving: 0, not_ready: 0, young: 0}};
    pods.filter((pod) => belongs(pod) && !ended(pod)).forEach((pod) => {
        const why = reason(pod, now);
        if (why) {
            found.leftOut[why] += 1;
        } else {
            found.compared.push({name: pod.metadata.name, ip: pod.status.podIP});
        }
    });
    found.compared.sort((a, b) => a.name < b.name ? -1 : 1);
    return found;
}

// {compared: [{name, ip}], leftOut: {reason: how many}}
async function replicas() {
    const token = fs.readFileSync(`${settings.account}/token`, 'utf8').trim();
    const reply = await asking.askCluster(settings.pods_path, token);
    if (!reply) {
        throw new Error('the API server does not answer');
    }
    if (reply.status !== 200) {
        throw new Error(`the API server does not list Traefik's pods: ${reply.status} ${(await reply.text()).slice(0, 300)}`);
    }
    const dated = Date.parse(reply.headers.get('Date'));
    return sorted((await reply.json()).items, dated || Date.now());
}

export default {apiServer, replicas, sorted};
