'use strict';
/* Keeps the page's files, so that it works without a network: a service worker.  worker.js keeps the model itself. */
const CACHE = 'caption-@version@';
const FILES = '@files@'.split(' ');

addEventListener('install', event => event.waitUntil(
  caches.open(CACHE).then(cache => cache.addAll(FILES)).then(() => skipWaiting())));

addEventListener('activate', event => event.waitUntil(
  caches.keys().then(names => Promise.all(names.filter(n => n.startsWith('caption-') && n !== CACHE).map(n => caches.delete(n))))
    .then(() => clients.claim())));

addEventListener('fetch', event => event.respondWith(
  caches.open(CACHE).then(cache => cache.match(event.request, { ignoreSearch: true })).then(kept => kept || fetch(event.request))));
