import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';

// The server gives a camera and a microphone only to the documents of these two pages
// (Permissions-Policy). A document keeps what it was loaded with, so arriving here from another page
// inside the application must load the document anew.
const withDevices = /^\/sessions\/[^/]+\/(devices|room)$/;

const loadedWithDevices = typeof location !== 'undefined' && withDevices.test(location.pathname);

/** Shows its children in a document that may use devices, loading that document first if need be. */
export function DeviceDocument(props: { children: ComponentChildren }) {
  useEffect(() => {
    if (!loadedWithDevices) location.reload();
  }, []);
  return loadedWithDevices ? props.children : null;
}
