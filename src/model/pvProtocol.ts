/** Channel Access or pvAccess. */
export type PvProtocol = 'ca' | 'pva';
