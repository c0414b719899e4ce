// What an operator looks at first, in the portal under Workbooks.
param location string
param tags object
param insightsId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(insightsId, 'srecopilot')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'SRE Copilot'
    category: 'workbook'
    sourceId: insightsId
    serializedData: loadTextContent('../workbook.json')
  }
}
